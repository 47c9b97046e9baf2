"""A user whose own Jupyter is broken: nothing of it may matter to ours."""

import json
from pathlib import Path


def hostile_jupyter(home: Path) -> dict[str, str]:
    """Directories in which a kernel, a configuration and start-up files end whatever reads them.

    Returns:
        the variables that lead Jupyter, IPython, Python and matplotlib there.
    """
    broken = "raise SystemExit('the user has broken this')\n"
    for name in ("python3", "model-serving-on-streams"):
        spec = home / "data" / "kernels" / name / "kernel.json"
        spec.parent.mkdir(parents=True)
        spec.write_text(json.dumps({"argv": ["/bin/false"], "display_name": "hostile", "language": "python"}))
    config, profile = home / "config", home / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    config.mkdir()
    for file in (
        config / "jupyter_server_config.py",
        config / "jupyter_lab_config.py",
        profile / "ipython_kernel_config.py",
        profile / "startup" / "00-broken.py",
        home / "startup.py",
    ):
        file.write_text(broken)
    (home / "matplotlibrc").write_text("lines.linewidth: 9\n")
    return {
        "JUPYTER_PATH": str(home / "data"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_CONFIG_PATH": str(config),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONSTARTUP": str(home / "startup.py"),
        "MATPLOTLIBRC": str(home / "matplotlibrc"),
        "MPLBACKEND": "pdf",
    }
