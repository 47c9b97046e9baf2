"""Five translations of the same poem: the same files, names and order, so that a diff of two shows only the lesson."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from serving.kernel import Kernel
from serving.settings.server import Settings
from tests.contract.conftest import VARIANTS, package
from tests.support.process import ROOT

FILES = ("__init__.py", "topology.py", "state.py", "server.py", "README.md")
SECTIONS = ["Idea", "Picture", "Survives", "Costs", "Read next"]
HEADINGS = [
    "Idea and picture",
    "Run it",
    "What it survives and costs",
    "What to look at in the code",
]
TOPOLOGY = ["models_from", "start", "accept", "run", "assigned", "data_topic_recreated", "states", "routes", "close"]
PORTS = {"custom_stage": 5500, "actors_persistent": 5500}  # the others: 8888

Function = ast.FunctionDef | ast.AsyncFunctionDef


def parsed(variant: str, name: str) -> ast.Module:
    return ast.parse((ROOT / variant / name).read_text("utf-8"))


def public_names(scope: list[ast.stmt]) -> list[str]:
    names = []
    for statement in scope:
        if isinstance(statement, Function | ast.ClassDef):
            names.append(statement.name)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names.append(statement.target.id)
        elif isinstance(statement, ast.Assign):
            names += [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return [name for name in names if not name.startswith("_")]


def test_a_variant_has_the_five_files(variant: str) -> None:
    missing = [name for name in FILES if not (ROOT / variant / name).is_file()]
    assert missing == []


def test_its_docstring_has_the_five_sections_in_order(variant: str) -> None:
    _title, _, text = (import_module(variant).__doc__ or "").partition("\n")
    assert re.findall(r"^([A-Z][a-z ]+)::?(?: |$)", text, re.MULTILINE) == SECTIONS
    assert public_names(parsed(variant, "__init__.py").body) == ["VARIANT"]


def test_its_readme_has_its_sections_in_order(variant: str) -> None:
    text = (ROOT / variant / "README.md").read_text("utf-8")
    assert re.findall(r"^# (\w+): ", text, re.MULTILINE) == [variant]
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == HEADINGS


def test_its_topology_has_the_public_names_in_order(variant: str) -> None:
    (topology,) = [each for each in parsed(variant, "topology.py").body if isinstance(each, ast.ClassDef)]
    assert topology.name == "Engine"
    assert public_names(topology.body) == TOPOLOGY


def test_a_store_is_all_in_which_the_two_table_variants_differ() -> None:
    texts = {
        ast.unparse(ast.Module(parsed(name, "topology.py").body[1:], [])).replace(name, "NAME").replace(state, "STATE")
        for name, state in (("streams_kvstore", "KeyValueState"), ("streams_customstore", "CustomStoreState"))
    }
    assert len(texts) == 1


def test_its_server_differs_in_the_name_alone() -> None:
    # Sorted: where the import of a package stands depends on its name.
    texts = {
        tuple(sorted((ROOT / name / "server.py").read_text().replace(name, "NAME").splitlines())) for name in VARIANTS
    }
    assert len(texts) == 1


def test_it_is_called_what_its_package_is_called_and_has_the_tutorial_s_port(variant: str) -> None:
    assert package(variant).name == variant
    assert package(variant).default_port == PORTS.get(variant, 8888)


def test_its_group_is_called_like_it_unless_a_flag_says_otherwise(variant: str) -> None:
    def group(*flags: str) -> str:
        parts: list[None] = [None] * 3
        kernel = Kernel(variant, 1, Settings.read("server", list(flags)), *parts)  # type: ignore[arg-type]  # unused here
        return kernel.group

    assert group() == variant
    assert group("--group", "another") == "another"


def sources() -> Iterator[Path]:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["root_packages"]
    for name in (*packages, "tests"):
        yield from (ROOT / name).rglob("*.py")


@pytest.mark.parametrize("name", ["helper", "manager", "util", "info"])
def test_no_module_is_called_for_nothing_in_particular(name: str) -> None:
    assert [path for path in sources() if name in path.stem.split("_")] == []
