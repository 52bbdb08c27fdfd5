"""Ways to ask a model, each as the files of a little project: a test module, and its application.

WAY stands for the name of the way; each asks to "be terse".
"""

from __future__ import annotations

__all__ = ["WAYS"]

LLM = """
import pydantic

def some_text(value):
    return bool(value)

class City(pydantic.BaseModel):
    name: str
    people: int

def find(what: str) -> str:
    "Look it up."

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
{kind}def test_it(case, llm):
    {body}
    expect(shown).to(some_text)
"""
APP = """
from app_WAY import answer

def some_text(value):
    return bool(value)

@pytest.mark.ailoop(dataset="cases.jsonl")
{kind}def test_it(case):
    shown = {call}answer(case.input)
    expect(shown).to(some_text)
"""


def llm_test(*lines: str, kind: str = "async ") -> dict[str, str]:
    return {"test_WAY.py": LLM.format(kind=kind, body="\n    ".join(lines))}


def app_test(app: str, kind: str = "") -> dict[str, str]:
    call = "await " if kind else ""
    return {"test_WAY.py": APP.format(kind=kind, call=call), "app_WAY.py": app}


SYNC = "import openai\nclient = openai.OpenAI()\n\n"
ASYNC = "import openai\nclient = openai.AsyncOpenAI()\n\n"
ASKED = 'model="fake", messages=[{"role": "user", "content": f"be terse on {question}"}]'

WAYS: dict[str, dict[str, str]] = {
    "llm text": llm_test("shown = (await llm(f'be terse on {case.input}')).text"),
    "llm messages": llm_test(
        "asked = [{'role': 'system', 'content': 'be terse'}]",
        "asked += [{'role': 'user', 'content': case.input}]",
        "shown = (await llm(asked, temperature=0)).text",
    ),
    "llm tools": llm_test(
        "reply = await llm(f'be terse on {case.input}', tools=[find])",
        "shown = f'{reply.tool_calls}'",
        "assert reply.tool_calls[0].arguments['what'].endswith(case.input)",
    ),
    "llm output": llm_test(
        "reply = await llm(f'be terse on {case.input}', output=City)",
        "shown = reply.parsed.name",
    ),
    "llm stream": llm_test(
        "stream = llm.stream(f'be terse on {case.input}')",
        "shown = '|'.join([delta async for delta in stream])",
        "assert stream.reply.text == shown.replace('|', '')",
        "assert stream.reply.first_token is not None",
    ),
    "llm logprobs": llm_test(
        "reply = await llm(f'be terse on {case.input}', logprobs=True)",
        "shown = f'{reply.logprobs[0]}'",
    ),
    "sync llm text": llm_test("shown = llm(f'be terse on {case.input}').text", kind=""),
    "sync llm output": llm_test(
        "shown = llm(f'be terse on {case.input}', output=City).parsed.name", kind=""
    ),
    "sync llm stream": llm_test(
        "shown = '|'.join(llm.stream(f'be terse on {case.input}'))", kind=""
    ),
    "client in the test module": {
        "test_WAY.py": f"""
import openai
client = openai.OpenAI()

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    question = case.input
    expect(client.chat.completions.create({ASKED})).to(contains("echo"))
"""
    },
    "async client in the test module": {
        "test_WAY.py": f"""
import openai
client = openai.AsyncOpenAI()

@pytest.mark.ailoop(dataset="cases.jsonl")
async def test_it(case):
    question = case.input
    expect(await client.chat.completions.create({ASKED})).to(contains("echo"))
"""
    },
    "client in the application": app_test(
        SYNC + f"def answer(question):\n    return client.chat.completions.create({ASKED})\n"
    ),
    "async client in the application": app_test(
        ASYNC
        + "async def answer(question):\n"
        + f"    return await client.chat.completions.create({ASKED})\n",
        "async ",
    ),
    "streamed": app_test(
        SYNC
        + "def answer(question):\n"
        + f"    stream = client.chat.completions.create({ASKED}, stream=True)\n"
        + "    return '\\n'.join(chunk.to_json() for chunk in stream)\n"
    ),
    "streamed async": app_test(
        ASYNC
        + "async def answer(question):\n"
        + f"    stream = await client.chat.completions.create({ASKED}, stream=True)\n"
        + "    return '\\n'.join([chunk.to_json() async for chunk in stream])\n",
        "async ",
    ),
    "parsed": app_test(
        SYNC
        + "import pydantic\nclass City(pydantic.BaseModel):\n    name: str\n\n"
        + "def answer(question):\n"
        + f"    reply = client.chat.completions.parse({ASKED}, response_format=City)\n"
        + "    return reply.choices[0].message.parsed.name\n"
    ),
    "responses": app_test(
        SYNC
        + "def answer(question):\n"
        + "    asked = f'be terse on {question}'\n"
        + "    return client.responses.create(model='fake', input=asked).output_text\n"
    ),
    "responses streamed": app_test(
        SYNC
        + "def answer(question):\n"
        + "    asked = f'be terse on {question}'\n"
        + "    stream = client.responses.create(model='fake', input=asked, stream=True)\n"
        + "    return '\\n'.join(event.to_json() for event in stream)\n"
    ),
    "embeddings": app_test(
        SYNC
        + "def answer(question):\n"
        + "    asked = ['be terse', question]\n"
        + "    return client.embeddings.create(model='fake', input=asked).to_json()\n"
    ),
    "httpx": app_test(
        "import httpx, os\n"
        "URL = os.environ['OPENAI_BASE_URL'] + '/chat/completions'\n"
        "client = httpx.Client()\n\n"
        "def answer(question):\n"
        f"    return client.post(URL, json=dict({ASKED})).text\n"
    ),
    "openai over aiohttp": app_test(
        "import openai\n"
        "client = None\n\n"
        "async def answer(question):\n"
        "    global client\n"
        "    if client is None:\n"
        "        client = openai.AsyncOpenAI(http_client=openai.DefaultAioHttpClient())\n"
        f"    return await client.chat.completions.create({ASKED})\n",
        "async ",
    ),
    "thread pool": app_test(
        SYNC
        + "from concurrent.futures import ThreadPoolExecutor\n"
        + "pool = ThreadPoolExecutor(4)\n\n"
        + "def one(question):\n"
        + f"    return client.chat.completions.create({ASKED}).choices[0].message.content\n\n"
        + "def answer(question):\n"
        + "    return '\\n'.join(pool.map(one, [f'{question} {n}' for n in range(6)]))\n"
    ),
}
