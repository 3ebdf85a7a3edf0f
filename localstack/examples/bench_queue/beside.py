"""What one would write instead: FastAPI, and a queue in Redis (taskiq)."""

import hashlib
import os
import uuid

import aiohttp
from fastapi import FastAPI, Response
from pydantic import BaseModel
from taskiq import TaskiqEvents
from taskiq_redis import ListQueueBroker
from redis.asyncio import Redis

broker = ListQueueBroker(os.environ["REDIS"])
app = FastAPI()
state = {}


def connect():
    state["http"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    state["redis"] = Redis.from_url(os.environ["REDIS"])


async def process(url):
    async with state["http"].get(url) as answer:
        answer.raise_for_status()
        asset = await answer.read()
    async with state["http"].post(os.environ["VENDOR"], data=asset) as answer:
        answer.raise_for_status()
        return await answer.read()


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def started(_):
    connect()


@broker.task
async def work(batch, url):
    product = await process(url)
    name = hashlib.sha256(product).hexdigest()
    with open(os.path.join(os.environ["OUTPUTS"], name), "wb") as output:
        output.write(product)
        output.flush()
        os.fsync(output.fileno())
    await state["redis"].sadd(f"done:{batch}", url)


@app.on_event("startup")
async def startup():
    connect()
    await broker.startup()


@app.get("/ready")
async def ready():
    await state["redis"].ping()
    return {}


class Batch(BaseModel):
    urls: list[str]


class One(BaseModel):
    digital_asset_url: str


@app.post("/batches", status_code=202)
async def start(batch: Batch):
    name = str(uuid.uuid4())
    for url in batch.urls:
        await work.kiq(name, url)
    return {"id": name}


@app.get("/batches/{name}")
async def status(name: str):
    return {"done": await state["redis"].scard(f"done:{name}")}


@app.post("/transform")
async def transform(one: One):
    product = await process(one.digital_asset_url)
    return Response(product, media_type="application/octet-stream")
