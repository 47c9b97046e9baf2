"""What is refused before anything else reads it."""

import pytest

from model.formats.pmml.document import checked

ENTITIES = b"".join(b'<!ENTITY %c "%s">' % (ord("b") + i, b"&%c;" % (ord("a") + i) * 10) for i in range(9))
BOMB = b'<!DOCTYPE PMML [<!ENTITY a "aaaaaaaaaa">%s]><PMML>&j;</PMML>' % ENTITIES  # 10 to the power of 10 characters
EXTERNAL = b'<!DOCTYPE PMML [<!ENTITY f SYSTEM "file:///etc/hostname">]><PMML>&f;</PMML>'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(BOMB, "has a <!DOCTYPE PMML>, which could name files or blow up; take it out", id="bomb"),
        pytest.param(EXTERNAL, "has a <!DOCTYPE PMML>", id="external entity"),
        pytest.param(b'<!DOCTYPE PMML SYSTEM "pmml.dtd"><PMML/>', "has a <!DOCTYPE PMML>", id="external subset"),
        pytest.param(b"<PMML>&a;</PMML>", "is no well-formed XML: undefined entity", id="undefined entity"),
        pytest.param(EXTERNAL.decode().encode("utf-16"), "is not a text in UTF-8", id="UTF-16"),
        pytest.param(b"\x08\x08garbage", "is no well-formed XML: ", id="no XML"),
        pytest.param(b"<PMML><Header/>", "is no well-formed XML: no element found", id="truncated"),
        pytest.param(b"<html/>", "is no PMML document: its root is <html>", id="another document"),
    ],
)
def test_a_document_that_is_not_safe_or_no_pmml_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        checked(content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "namespace", ["", ' xmlns="http://www.dmg.org/PMML-4_2"', ' xmlns="http://www.dmg.org/PMML-4_4"']
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_sound_document_comes_back_as_its_text(namespace: str, mark: bytes) -> None:
    text = f"<PMML{namespace}><Header copyright='Bodega Ca\u00f1o'/></PMML>"
    assert checked(mark + text.encode()).text == text
