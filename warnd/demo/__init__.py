"""
``warnd demo``: the main job from end to end on this machine alone, for whoever sees warnd for the first time.

``run`` has its order in one place; everybody and every number in it is made up but the divisions.
"""
