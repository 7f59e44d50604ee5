"""`caregraph up` where it can't work: refused with a sentence, before anything is made."""

import collections
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from local.display import PlainDisplay
from local.layout import read_layout
from local.lifecycle import Platform, PlatformError
from tests.e2e.platform import CAREGRAPH, free_port_base

Usage = collections.namedtuple("Usage", "total used free")


def test_start_where_nothing_can_be_kept_says_so_in_a_sentence() -> None:
    environ = {**os.environ, "CAREGRAPH_HOME": "/dev/null/caregraph"}
    refused = subprocess.run([CAREGRAPH, "up"], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Caregraph can't keep its data in /dev/null/caregraph: Not a directory")
    assert refused.stderr.count("\n") == 1


async def test_start_on_a_full_disk_is_refused_before_a_database_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = read_layout({"CAREGRAPH_HOME": str(tmp_path), "CAREGRAPH_PORT_BASE": str(free_port_base())})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(total=2**40, used=2**40, free=7_000_000))
    platform = Platform(layout=layout, environ={}, display=PlainDisplay(Console()), on_ready=lambda _: None)
    with pytest.raises(PlatformError, match=r"Only 7 MB are free .* CAREGRAPH_HOME"):
        await platform.run()
    assert not layout.postgres.exists()
