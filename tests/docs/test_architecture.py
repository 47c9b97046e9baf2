"""``docs/architecture.md`` is true: each name on it exists, each folder of the shared packages is on it."""

import re
import tomllib
from importlib import import_module

import pytest

from tests.support.process import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PACKAGES = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"])
NAMES = sorted(name for name in set(re.findall(r"`(\w+(?:\.\w+)+)`", PAGE)) if name.partition(".")[0] in PACKAGES)
FOLDERS = sorted(set(re.findall(r"`((?:\w+/)+)`", PAGE)))


def resolve(name: str) -> object:
    """The module, class, function or value of this dotted name."""
    module, *rest = name.split(".")
    found: object = import_module(module)
    for at, part in enumerate(rest):
        try:
            found = getattr(found, part)
        except AttributeError:
            found = import_module(".".join((module, *rest[: at + 1])))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_each_name_exists(name: str) -> None:
    assert resolve(name) is not None


def test_there_are_names_of_every_shared_package_and_of_every_variant() -> None:
    assert {name.partition(".")[0] for name in NAMES} >= PACKAGES - {"data", "protobufs", "streams_inmemory"}


def test_each_folder_on_the_page_exists_and_each_folder_of_the_shared_packages_is_on_it() -> None:
    assert [folder for folder in FOLDERS if not (ROOT / folder).is_dir()] == []
    there = {
        f"{package}/{folder.parent.name}/"
        for package in ("serving", "model", "client")
        for folder in (ROOT / package).glob("*/__init__.py")
    }
    assert there - set(FOLDERS) == set()


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE)
    assert targets
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []


def test_a_name_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(ModuleNotFoundError):
        resolve("serving.lifecycle.no_such_function")
