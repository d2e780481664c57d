"""The route of the group `web` in FastAPI, in its usual form: JSON in, JSON out.

    III_BENCH_BODY=BODY python -m uvicorn --app-dir Benchmarks/Peers web_app:app
"""

import json
import os

from fastapi import FastAPI

BODY = json.loads(os.environ["III_BENCH_BODY"])
app = FastAPI(openapi_url=None)


@app.post("/bench")
async def bench(message: dict):
    return BODY
