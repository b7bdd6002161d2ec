"""The shipped suite's asserts explain themselves here as if they stood in the test."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("warnd.contract.suite")
