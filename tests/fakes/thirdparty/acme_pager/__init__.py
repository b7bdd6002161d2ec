"""A third party's channel: duty pagers behind a hub that takes one text for one pager by HTTP."""
