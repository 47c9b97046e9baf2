"""Replaying files in UCI's format, good ones and bad ones."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from client.wines.uci_csv import CsvWines, WineFileUnreadable, WineLineRejected
from model.errors import ServingError
from model.features import WINE

REAL_WINES = os.environ.get("REAL_WINES")

# The first two wines of the real file.
FIRST = [7.4, 0.7, 0, 1.9, 0.076, 11, 34, 0.9978, 3.51, 0.56, 9.4]
SECOND = [7.8, 0.88, 0, 2.6, 0.098, 25, 67, 0.9968, 3.2, 0.68, 9.8]
HEADER = ";".join(name.replace("_", " ") for name in WINE)
ROWS = [";".join(f"{value:g}" for value in wine) for wine in (FIRST, SECOND)]


def written(directory: Path, *lines: str) -> Path:
    """A file of these lines."""
    path = directory / "wines.csv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.skipif(not REAL_WINES, reason="the real wines are not part of the project: name their file in REAL_WINES")
def test_the_real_file_is_replayed_wine_by_wine() -> None:
    source = CsvWines(Path(REAL_WINES or ""))
    wines = source.batch(len(source))
    assert len(source) == 1599  # Cortez et al. 2009, section 2.1
    assert wines.features[:2].tolist() == [FIRST, SECOND]
    assert wines.quality is not None
    labels, counts = np.unique(wines.quality, return_counts=True)
    assert dict(zip(labels.tolist(), counts.tolist(), strict=True)) == {3: 10, 4: 53, 5: 681, 6: 638, 7: 199, 8: 18}


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(ROWS, id="no header"),
        pytest.param([HEADER, *ROWS], id="header"),
        pytest.param([";".join(f'"{name}"' for name in HEADER.split(";")), *ROWS], id="quoted header"),
        pytest.param(["\ufeff" + HEADER, *ROWS], id="byte order mark"),
        pytest.param([";".join(WINE), "", *ROWS, "  "], id="underscores and blank lines"),
        pytest.param([";".join(reversed(row.split(";"))) for row in [HEADER, *ROWS]], id="another order"),
    ],
)
def test_a_file_without_quality_gives_features_only(lines: list[str], tmp_path: Path) -> None:
    wines = CsvWines(written(tmp_path, *lines)).batch(2)
    assert wines.features.tolist() == [FIRST, SECOND]
    assert wines.quality is None


@pytest.mark.parametrize("header", [[], [f"{HEADER};quality"]])
def test_a_file_with_quality_gives_the_labels(header: list[str], tmp_path: Path) -> None:
    wines = CsvWines(written(tmp_path, *header, f"{ROWS[0]};5", f"{ROWS[1]};7")).batch(2)
    assert wines.features.tolist() == [FIRST, SECOND]
    assert wines.quality is not None
    assert wines.quality.tolist() == [5.0, 7.0]


def test_after_the_last_wine_comes_the_first(tmp_path: Path) -> None:
    source = CsvWines(written(tmp_path, *ROWS))
    replayed = np.concatenate([source.batch(n).features for n in (1, 3, 1)])
    assert replayed.tolist() == [FIRST, SECOND, FIRST, SECOND, FIRST]


@pytest.mark.parametrize(
    ("bad_line", "reason"),
    [
        pytest.param("1;2;3", "has 3 fields instead of 11", id="too few"),
        pytest.param(ROWS[1] + ";6", "has 12 fields instead of 11", id="too many"),
        pytest.param("x" + ROWS[1], "field 1, 'x7.8', is not a number; give a finite number", id="text"),
        pytest.param(ROWS[1].replace("9.8", ""), "field 11, '', is not a number", id="missing"),
        pytest.param(
            ROWS[1].replace("9.8", "9,8"), "field 11, '9,8', is not a number; write a decimal point", id="9,8"
        ),
        pytest.param(ROWS[1].replace("9.8", "nan"), "field 11, 'nan', is not a number", id="nan"),
        pytest.param(ROWS[1].replace("9.8", "1e999"), "field 11, '1e999', is not a number", id="infinite"),
        pytest.param('"' + ROWS[1], "cannot be split (unexpected end of data); check its quotes", id="open quote"),
        pytest.param(";;;;;;;;;;", "field 1, '', is not a number", id="all fields empty"),
    ],
)
def test_a_malformed_line_is_named_with_its_remedy(bad_line: str, reason: str, tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, ROWS[0], bad_line, ROWS[1])
    with pytest.raises(WineLineRejected, match=re.escape(f"{path}, line 3: {reason}")) as caught:
        CsvWines(path)
    assert re.search("; (complete|give|write|check)", str(caught.value))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param([], ": is empty; expected UCI's format", id="empty"),
        pytest.param(["", " "], ": is empty; expected UCI's format", id="blank"),
        pytest.param([HEADER], ": has a header and no wine; add lines", id="header only"),
        pytest.param([HEADER.replace(";", ","), "1,2"], ": is separated by ','; separate", id="commas"),
        pytest.param(["7.4\t0.7\t0"], ", line 1: has 1 field; expected UCI's format", id="tabs"),
        pytest.param([HEADER.replace(";alcohol", "")], ", line 1: the header lacks alcohol; expected", id="lacks"),
        pytest.param([HEADER + ";colour;pH"], ", line 1: the header has colour, pH too much; expected", id="too much"),
    ],
)
def test_a_file_that_is_no_wine_table_is_refused_in_one_line(lines: list[str], reason: str, tmp_path: Path) -> None:
    path = written(tmp_path, *lines)
    with pytest.raises(ServingError, match=re.escape(f"{path}{reason}")) as caught:
        CsvWines(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WineFileUnreadable, match=r"none\.csv: cannot be read \(No such file or directory\); name an"):
        CsvWines(tmp_path / "none.csv")


def test_a_file_that_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "wines.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0;\x00")
    with pytest.raises(WineFileUnreadable, match="is not a text in UTF-8; save it as CSV"):
        CsvWines(path)
