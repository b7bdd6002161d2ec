"""
Bytes to Alert, or InvalidAlert naming every fault. Pure but for reading the hazard catalogue.

A message is judged in three weights. A *fault* makes it unusable: it is refused. A *doubt* quarantines it: a
person must look before anybody is told. A *warning* changes nothing: real feeds break small rules daily, and
a red must not be lost to one.
"""
