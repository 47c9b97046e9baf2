"""Triton's own client, as its users call it: run by ``.venv-mlserver``'s Python, it prints what a server answers.

``triton_client.py HOST:PORT MODEL``; on standard input wines as JSON, a list of lists of numbers.
"""

import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton


def main(url: str, model: str) -> None:
    """Ask everything that it has a method for, and that KServe and MLServer answer, too."""
    wines = np.array(json.load(sys.stdin))
    client = triton.InferenceServerClient(url)
    metadata = client.get_model_metadata(model)
    print(
        json.dumps(
            {
                "live": client.is_server_live(),
                "ready": client.is_server_ready(),
                "model ready": client.is_model_ready(model),
                "version ready": client.is_model_ready(model, metadata["versions"][0]),
                "another version ready": client.is_model_ready(model, "another"),
                "server": client.get_server_metadata(),
                "metadata": metadata,
                "metadata of the version": client.get_model_metadata(model, metadata["versions"][0]),
                "scores": scores(client, model, metadata, wines),
                "scores of the version": scores(client, model, metadata, wines, metadata["versions"][0]),
                "scores of all outputs": scores(client, model, metadata, wines, name=False),
                "unknown": refusal(client, "cider", metadata, wines),
                "too narrow": refusal(client, model, metadata, wines[:, 1:]),
                "binary": refusal(client, model, metadata, wines, binary=True),
            }
        )
    )


def scores(
    client: Any, model: str, metadata: Any, wines: Any, version: str = "", *, name: bool = True, binary: bool = False
) -> Any:
    """What the model gives; ``name``: the output is asked for by its name."""
    (given,), (wanted,) = metadata["inputs"], metadata["outputs"]
    sent = triton.InferInput(given["name"], list(wines.shape), given["datatype"])
    sent.set_data_from_numpy(wines, binary_data=binary)
    outputs = [triton.InferRequestedOutput(wanted["name"], binary_data=False)] if name else None
    answer = client.infer(model, [sent], version, outputs, request_id="a request", parameters={"trace": "yes"})
    return {"id": answer.get_response()["id"], "scores": answer.as_numpy(wanted["name"]).tolist()}


def refusal(client: Any, model: str, metadata: Any, wines: Any, *, binary: bool = False) -> list[str]:
    """Status and message of the exception that it raises."""
    try:
        scores(client, model, metadata, wines, binary=binary)
    except triton.InferenceServerException as error:
        return [error.status(), error.message()]
    return []


if __name__ == "__main__":
    main(*sys.argv[1:])
