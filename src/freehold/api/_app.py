"""The application: a route for each verb, and the Open Inference Protocol."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, BinaryIO

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint

from freehold.api._inference import add_inference
from freehold.api._problems import problem, status_of
from freehold.api.errors import ApiError
from freehold.estate import Estate
from freehold.kernel import FreeholdError, LimitError, MalformedError, host_error, parse_json
from freehold.kernel.acts import Actor
from freehold.parties import Unauthenticated
from freehold.verbs import VERBS, Download, Verb, misfit, to_json

UPLOAD_BYTES_MAX = 4_294_967_296  # kept in memory, since nothing plain may lie on disk
CHUNK_BYTES = 1_048_576
_ROUTE_CODES = {404: "api.unknown", 405: "api.method"}

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


def create_app(estate: Estate) -> FastAPI:
    """Build the application over an open estate."""
    app = FastAPI(
        title="Freehold",
        description="Own your AI outright. Every verb is decided by policy and recorded.",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
    )
    for verb in VERBS.values():
        _add_verb(app, estate, verb)
    add_inference(app, estate, lambda bearer: authenticate(estate, bearer))

    @app.get("/v1/decisions/{decision}/receipt", response_class=PlainTextResponse)
    def receipt(decision: str, bearer: Bearer) -> str:
        """The receipt of a decision: a C2SP tlog-proof."""
        return estate.history.receipt(authenticate(estate, bearer), decision)

    @app.middleware("http")
    async def mark_trial(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        if estate.pipeline.circumstances.is_trial:
            response.headers["Freehold-Trial"] = "yes"
        return response

    @app.exception_handler(FreeholdError)
    async def refuse(_request: Request, error: FreeholdError) -> Response:
        return _refusal(error)

    @app.exception_handler(OSError)
    @app.exception_handler(MemoryError)
    async def refuse_for_host(_request: Request, error: OSError | MemoryError) -> Response:
        return _refusal(host_error(error))

    @app.exception_handler(RequestValidationError)
    async def refuse_arguments(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        path = request.url.path.removeprefix("/v1/").replace("/", ".")
        return _refusal(misfit(path, first["loc"][1:], first["msg"]))

    @app.exception_handler(HTTPException)
    async def refuse_route(request: Request, error: HTTPException) -> Response:
        code = _ROUTE_CODES.get(error.status_code, "api.request")
        message = f"{request.method} {request.url.path}: {error.detail}"
        return _refusal(ApiError(code, message, "see /openapi.json for what there is"))

    return app


def _refusal(error: FreeholdError) -> Response:
    return JSONResponse(
        problem(error), status_code=status_of(error), media_type="application/problem+json"
    )


def authenticate(estate: Estate, bearer: HTTPAuthorizationCredentials | None) -> Actor:
    """Who calls.

    Raises:
        Unauthenticated: no token, or nobody's; counted.
    """
    with _counting(estate):
        return estate.people.authenticate(bearer.credentials if bearer else "")


@contextmanager
def _counting(estate: Estate) -> Iterator[None]:
    """Count who is refused because nobody knows them."""
    try:
        yield
    except Unauthenticated:
        estate.refusals.count()
        raise


def _object(text: str) -> dict[str, Any]:
    value = parse_json(text)
    if not isinstance(value, dict):
        raise MalformedError("verb.arguments", "the arguments are one JSON object")
    return value


def _add_verb(app: FastAPI, estate: Estate, verb: Verb) -> None:
    def perform(arguments: dict[str, Any], bearer: Any, upload: BinaryIO | None) -> Response:
        checked = verb.validate(arguments)
        if verb.needs_actor:
            checked["actor"] = authenticate(estate, bearer)
            return answer(checked, upload)
        with _counting(estate):  # a signature is the authentication
            return answer(checked, upload)

    def answer(checked: dict[str, Any], upload: BinaryIO | None) -> Response:
        if verb.upload is not None:
            checked[verb.upload.name] = upload
        return _answer(verb.function(estate, **checked))

    async def with_json(arguments: verb.arguments_model, bearer: Bearer) -> Response:  # type: ignore[name-defined]
        return await run_in_threadpool(perform, arguments.model_dump(), bearer, None)

    async def with_upload(request: Request, arguments: str, bearer: Bearer) -> Response:
        # before a byte of the body is kept
        await run_in_threadpool(authenticate, estate, bearer)
        verb.validate(_object(arguments))
        with await _received(request) as upload:
            return await run_in_threadpool(perform, _object(arguments), bearer, upload)

    endpoint = with_json if verb.upload is None else with_upload
    endpoint.__annotations__ |= {"bearer": Bearer}
    if verb.upload is None:
        endpoint.__annotations__ |= {"arguments": verb.arguments_model}
    app.post(
        f"/v1/{verb.noun}/{verb.name}",
        operation_id=verb.path,
        summary=" ".join(verb.help.split("\n\n")[0].split()),
        tags=[verb.noun],
    )(endpoint)


async def _received(request: Request) -> BinaryIO:
    """The body of a request, in memory."""
    file: BinaryIO = os.fdopen(os.memfd_create("upload", os.MFD_CLOEXEC), "w+b")
    received = 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received > UPLOAD_BYTES_MAX:
                raise LimitError(
                    "api.too_large",
                    f"over {UPLOAD_BYTES_MAX} bytes were sent",
                    "stop the server and ingest with `freehold data ingest`, which streams",
                )
            file.write(chunk)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _answer(result: Any) -> Response:
    if not isinstance(result, Download):
        return JSONResponse(to_json(result))
    headers = {
        "Freehold-Name": result.name,
        "Freehold-Summary": json.dumps(to_json(result.summary)),
    }
    return StreamingResponse(
        _chunks(result.file), media_type="application/octet-stream", headers=headers
    )


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
