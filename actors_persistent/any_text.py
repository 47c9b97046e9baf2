"""Any data type as the end of a path."""

from starlette.convertors import PathConvertor, register_url_convertor


class AnyText(PathConvertor):
    """Starlette's own ``path`` takes slashes, but no line breaks, and a data type may have both."""

    regex = "(?s:.*)"


def register_any_text() -> None:
    """From here on a path may say ``{data_type:text}``; again changes nothing."""
    register_url_convertor("text", AnyText())
