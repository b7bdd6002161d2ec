"""Workload R: one red warning for a prefecture's SMS numbers, WeCom robots and mailboxes, all at once."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from bench import engine
from bench.audience import Crowd, build
from bench.gateway import mail_gateway, robot_gateway, sms_gateway


async def workload_r(numbers: int, robots: int, mailboxes: int) -> engine.Telling:
    """Each gateway in its own process; slots and batch sizes as shipped."""
    crowds = [Crowd("sms", numbers), Crowd("wechat", robots), Crowd("email", mailboxes)]
    with (
        TemporaryDirectory(prefix="bench-") as directory,
        sms_gateway() as sms,
        robot_gateway() as wechat,
        mail_gateway() as email,
    ):
        audience = Path(directory, "audience.db")
        build(audience, crowds)
        channels = {
            "sms": {"adapter": "sms.http", "receipts": False, **sms.options},
            "wechat": {"adapter": "wechat.robot", **wechat.options},
            "email": {"adapter": "email.smtp", **email.options},
        }
        async with engine.daemon(audience, channels) as app:
            return await engine.tell(app, {crowd.channel: crowd.size for crowd in crowds})
