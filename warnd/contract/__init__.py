"""
What core and channels agree on. Public and versioned; third-party channels import from here.

A channel is an object that satisfies :class:`~warnd.contract.channel.Channel`, announced in the entry-point
group ``warnd.channels``; its local gateway, an :class:`~warnd.contract.emulator.Emulator`, in
``warnd.emulators``; its proof is a subclass of :class:`warnd.contract.suite.ChannelContract`.
"""

VERSION = 1
