"""The Open Inference Protocol, version 2 (REST): health, metadata, infer.

A feature of a model is an input of its name with shape [n] or [n, 1]. The answer has `label` and
`probabilities`; its `parameters` carry the decision's id and the log's signed promise. The
request's `parameters.subject` may name the person it is about by pseudonym.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Annotated, Any, TypeAlias

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from freehold.api._problems import status_of
from freehold.api.errors import ApiError
from freehold.estate import Estate
from freehold.kernel import FreeholdError, parse_json
from freehold.kernel.acts import Actor
from freehold.serving import Decision

VERSION = "2"
BODY_BYTES_MAX = 8_388_608  # a batch of rows; larger work is an evaluation
KINDS: Mapping[type, str] = {str: "BYTES", bool: "BOOL", int: "INT64", float: "FP64"}
NUMBERS = frozenset("UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64".split())

Bearer: TypeAlias = HTTPAuthorizationCredentials | None
Authenticate: TypeAlias = Callable[[Bearer], Actor]
BearerToken = Annotated[Bearer, Depends(HTTPBearer(auto_error=False))]


class Tensor(BaseModel):
    """An input: `data` flat or nested in row-major order."""

    model_config = ConfigDict(extra="ignore")
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class InferenceRequest(BaseModel):
    """What is asked. Unknown members are ignored, as the protocol wants."""

    model_config = ConfigDict(extra="ignore")
    id: str = ""
    inputs: list[Tensor] = Field(min_length=1)
    parameters: dict[str, Any] = {}


def add_inference(app: FastAPI, estate: Estate, authenticate: Authenticate) -> None:
    """Add the protocol's routes."""

    @app.get("/v2", tags=["inference"])
    def server() -> dict[str, Any]:
        return {"name": "freehold", "version": VERSION, "extensions": []}

    @app.get("/v2/health/live", tags=["inference"])
    def live() -> dict[str, bool]:
        return {"live": True}

    @app.get("/v2/health/ready", tags=["inference"])
    def ready() -> dict[str, bool]:
        return {"ready": estate.charter.is_ratified()}

    @app.get("/v2/models/{name}", tags=["inference"])
    def metadata(name: str, bearer: BearerToken) -> Response:
        return _told(lambda: _metadata(name, estate.serving.inputs(authenticate(bearer), name)))

    @app.get("/v2/models/{name}/ready", tags=["inference"])
    def model_ready(name: str, bearer: BearerToken) -> Response:
        def answer() -> dict[str, Any]:
            found = {each.name: each for each in estate.serving.list(authenticate(bearer))}
            status = found[name].status if name in found else "unknown"
            return {"name": name, "ready": status == "running"}

        return _told(answer)

    @app.post("/v2/models/{name}/infer", tags=["inference"])
    async def infer(name: str, request: Request, bearer: BearerToken) -> Response:
        body = await _bounded(request)
        return await run_in_threadpool(
            _told, lambda: _infer(estate, authenticate(bearer), name, _whole(body))
        )


def _infer(estate: Estate, actor: Actor, name: str, body: bytes) -> dict[str, Any]:
    asked = _parse(body)
    columns = {tensor.name: _column(tensor) for tensor in asked.inputs}
    if len(columns) != len(asked.inputs):
        raise ApiError("api.inference", "two inputs have the same name")
    subject = asked.parameters.get("subject", "")
    if not isinstance(subject, str):
        raise ApiError("api.inference", "parameters.subject is a text")
    decision = estate.serving.answer(actor, name, columns, subject=subject)
    return {
        "model_name": name,
        "model_version": decision.model.rpartition("@")[2],
        **({"id": asked.id} if asked.id else {}),
        "parameters": {
            "decision": decision.id,
            "promise": estate.history.promise(decision.recorded),
            "classes": list(decision.classes),
        },
        "outputs": _outputs(decision),
    }


def _parse(body: bytes) -> InferenceRequest:
    try:
        return InferenceRequest.model_validate(parse_json(body))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ApiError("api.inference", f"{where}: {first['msg'].lower()}") from error


def _column(tensor: Tensor) -> list[Any]:
    """The values of one feature, one for each row."""
    rows = tensor.shape[0] if tensor.shape else -1
    if len(tensor.shape) not in (1, 2) or (len(tensor.shape) == 2 and tensor.shape[1] != 1):
        raise ApiError(
            "api.shape",
            f"input {tensor.name!r:.80} has shape {tensor.shape}; expected [n] or [n, 1]",
        )
    is_nested = bool(tensor.data) and all(isinstance(each, list) for each in tensor.data)
    values = list(chain.from_iterable(tensor.data)) if is_nested else tensor.data
    if len(values) != rows:
        raise ApiError(
            "api.shape",
            f"input {tensor.name!r:.80} has shape {tensor.shape} but {len(values)} values",
        )
    wanted = {"BYTES": (str,), "BOOL": (bool,)}.get(tensor.datatype)
    if wanted is None and tensor.datatype not in NUMBERS:
        raise ApiError("api.datatype", f"unknown datatype {tensor.datatype!r:.40}")
    for value in values:
        fits = isinstance(value, wanted or (int, float))
        if value is not None and (not fits or (wanted != (bool,) and isinstance(value, bool))):
            raise ApiError(
                "api.datatype",
                f"input {tensor.name!r:.80} says {tensor.datatype} "
                f"but holds a {type(value).__name__}",
            )
    return values


def _outputs(decision: Decision) -> list[dict[str, Any]]:
    rows = len(decision.labels)
    return [
        {
            "name": "label",
            "datatype": _kind(decision.classes),
            "shape": [rows],
            "data": list(decision.labels),
        },
        {
            "name": "probabilities",
            "datatype": "FP64",
            "shape": [rows, len(decision.classes)],
            "data": list(chain.from_iterable(decision.probabilities)),
        },
    ]


def _kind(classes: Sequence[Any]) -> str:
    return KINDS[type(classes[0])] if classes else "BYTES"


def _metadata(name: str, card: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {"number": "FP64", "boolean": "BOOL"}
    return {
        "name": name,
        "platform": "freehold",
        "inputs": [
            {"name": f["name"], "datatype": kinds.get(f["kind"], "BYTES"), "shape": [-1]}
            for f in card["features"]
        ],
        "outputs": [
            {"name": "label", "datatype": _kind(card["classes"]), "shape": [-1]},
            {
                "name": "probabilities",
                "datatype": "FP64",
                "shape": [-1, len(card["classes"])],
            },
        ],
    }


def _told(answer: Callable[[], dict[str, Any]]) -> Response:
    """The answer, or an error in the protocol's shape."""
    try:
        return JSONResponse(answer())
    except FreeholdError as error:
        return JSONResponse({"error": str(error), "code": error.code}, status_of(error))


async def _bounded(request: Request) -> bytes:
    """The body, or the beginning of one that is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            break
    return bytes(body)


def _whole(body: bytes) -> bytes:
    if len(body) > BODY_BYTES_MAX:
        raise ApiError("api.too_large", f"a request has at most {BODY_BYTES_MAX} bytes")
    return body
