"""The jars of JPMML's evaluator, fetched when somebody asks for that engine: ``--pmml-engine jpmml``.

Their licence is the GNU Affero General Public License 3.0. They are no part of this project and of nothing that it
ships: the user's own machine fetches them from Maven Central. ``jpmml_jars.lock`` lists them; it is rebuilt by
``python -m model.formats.pmml.jpmml_jars``.
"""

from pathlib import Path

from model.errors import ServingError
from model.maven_jars import DownloadFailed, fetch_jars, locked_jars, resolved_coordinates, user_cache, write_lock

JPMML = "org.jpmml:pmml-evaluator-metro:1.7.7"
# Guava needs it; jgo does not look behind a range of versions, which is how JPMML names Guava.
GUAVA_S = "com.google.guava:failureaccess:1.0.3"
LICENCE = "AGPL-3.0"
LOCK = Path(__file__).with_name("jpmml_jars.lock")


class JpmmlNotThere(ServingError):
    """The jars did not arrive."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"--pmml-engine jpmml needs {JPMML}, which cannot be fetched ({reason}): check the network, then start "
            "again, or leave that flag out; behind a mirror of Maven Central, name that under [repositories] in "
            "~/.config/jgo.conf"
        )
        self.reason = reason


def jpmml_jars() -> list[Path]:
    """The paths of all jars; those missing or damaged are downloaded first (10 MB at the first run).

    Raises:
        JpmmlNotThere: no network, or the directory cannot be written.
    """
    try:
        return fetch_jars(locked_jars(LOCK), user_cache("jpmml"))
    except (DownloadFailed, OSError) as error:
        raise JpmmlNotThere(str(error)) from None


def main() -> None:
    """Rebuild the lock file from what Maven Central has; run it after changing the version above."""
    cache = user_cache("jpmml") / ".staging"
    title = (
        f"{JPMML} ({LICENCE}) and all it needs, as jgo resolves it: made by `python -m model.formats.pmml.jpmml_jars`"
    )
    write_lock(LOCK, title, [*resolved_coordinates(JPMML, cache), GUAVA_S], cache)


if __name__ == "__main__":
    main()
