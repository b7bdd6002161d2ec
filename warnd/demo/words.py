"""What the demo says, in Chinese or English by the locale it is called in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from warnd.model.region import Level


@dataclass(frozen=True, slots=True)
class Words:
    """One language's; ``language`` is that of ``app.phrases`` too. Braces are filled by the caller."""

    language: str
    title: str
    gateways: str
    regions: str
    audience: str
    daemon: str
    pushed: str
    lifting: str
    lifted: str
    reckoning: str
    columns: tuple[str, ...]
    channels: Mapping[str, str]
    levels: Mapping[Level, str]
    all: str
    accepted: str
    delivered: str
    failed: str
    agreed: str
    disagreed: str
    as_sms: str
    as_post: str
    story: str
    untold: str
    nobody: str
    serving: str
    link: str
    key: str
    next: str
    stop: str
    settings: str


ZH = Words(
    language="zh",
    title="warnd 演示：一条红色暴雨预警，从进来到送达（人员、号码均为虚构，行政区划为真实数据）",
    gateways="模拟网关已启动：短信、企业微信机器人、邮件，各会偶尔限流、偶尔出错",
    regions="导入行政区划 {divisions} 个：陇南市（6212）及以下",
    audience="建立订阅组 {groups} 个（县区、乡镇、村各一），接收人 {subscribers}，终端 {endpoints}",
    daemon="守护进程在 {url}，数据与配置在 {directory}",
    pushed="经 HTTP 接口提交 CAP 1.2 预警（武都区暴雨红色） → {status} {verdict}",
    lifting="第二步：解除预警 → {status} {verdict}",
    lifted="此前收到预警的 {told} 个终端，{reached} 个收到解除通知，此外 {others} 个；已接收 {accepted}，网关计数 {taken}，丢失 {lost}",
    reckoning="对账：左边是 warnd 的记录，最右一列是网关自己的计数",
    columns=("渠道", "层级", "应发", "已接收", "已送达", "未送达", "失败", "不发", "重试", "首发\n（秒）", "末发\n（秒）", "网关\n计数"),
    channels={"sms": "短信", "wechat": "微信", "email": "邮件"},
    levels={
        Level.PROVINCE: "省", Level.PREFECTURE: "市", Level.COUNTY: "县区", Level.TOWNSHIP: "乡镇", Level.VILLAGE: "村",
    },
    all="合计",
    accepted="已接收",
    delivered="已送达",
    failed="失败",
    agreed="逐号核对一致：丢失 0，重复 {repeated}。",
    disagreed="核对不一致：丢失 {lost}，重复 {repeated}！",
    as_sms="一条短信（网关收到的原文，致 {address}）",
    as_post="一条微信（机器人收到的原文）",
    story="一条投递的经过：{name}，{channel}",
    untold="未通知 {n} 条，其一：{name}（{channel}），原因：{why}",
    nobody="没有可用终端的接收人 {n} 个，其一：{name}，原因：{why}",
    serving="守护进程继续运行。",
    link="打开页面（链接只能用一次）：",
    key="值班员密钥：",
    next="接下来可以试试：",
    stop="按 Ctrl-C 结束。",
    settings="这次演示的配置：{path}",
)  # fmt: skip

EN = Words(
    language="en",
    title="warnd demo: one red rainstorm warning, from the feed to the people (made-up posts and numbers, real divisions)",
    gateways="Gateways emulated on this machine: SMS, WeCom robots, mail; each throttles a little and fails a little",
    regions="{divisions} divisions imported: Longnan (6212) and all below",
    audience="{groups} groups (each county, township and village), {subscribers} subscribers, {endpoints} endpoints",
    daemon="Daemon at {url}; its data and settings in {directory}",
    pushed="A red rainstorm warning for Wudu District (621202) pushed as CAP 1.2 through the HTTP API → {status} {verdict}",
    lifting="Second step: the warning is lifted → {status} {verdict}",
    lifted="Of {told} endpoints told before, {reached} are told of the end, and {others} others; accepted {accepted}, by the gateways' count {taken}, lost {lost}",
    reckoning="Reckoning: what warnd's log says; in the last column, what the gateways themselves counted",
    columns=(
        "channel", "level", "targeted", "accepted", "delivered", "un-\ndelivered", "failed", "sup-\npressed",
        "retries", "first\nseconds", "last\nseconds", "gateway",
    ),
    channels={"sms": "SMS", "wechat": "WeChat", "email": "mail"},
    levels={level: level.name.lower() for level in Level},
    all="all",
    accepted="accepted",
    delivered="delivered",
    failed="failed",
    agreed="Compared number by number: lost 0, repeated {repeated}.",
    disagreed="The two do not agree: lost {lost}, repeated {repeated}!",
    as_sms="One SMS as the gateway received it, to {address}",
    as_post="One WeChat post as the robot received it",
    story="One delivery's story: {name}, {channel}",
    untold="Not told: {n}. One of them: {name} ({channel}), because: {why}",
    nobody="Without any usable endpoint: {n}. One of them: {name}, because: {why}",
    serving="The daemon goes on running.",
    link="The page (this link works once):",
    key="A key of role operator:",
    next="Try next:",
    stop="Ctrl-C ends it.",
    settings="The settings of this demo: {path}",
)  # fmt: skip


def words(environ: Mapping[str, str]) -> Words:
    """Chinese where the locale says so, else English (POSIX: the first of these that is set decides)."""
    named = next((value for key in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environ.get(key))), "")
    return ZH if named.lower().startswith("zh") else EN
