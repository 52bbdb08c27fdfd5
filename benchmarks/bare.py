"""What a person would write without any tool: asyncio, the stock client and a semaphore.

`python bare.py chat|judged|pool URL COUNT CONCURRENCY`. Imports nothing of this package: its
start-up and its memory are part of the comparison.
"""

from __future__ import annotations

import sys

CRITERION = "Is the answer polite?"


def question(number: int) -> str:
    return f"What is known of number {number}?"


def ask(text: str) -> dict[str, object]:
    return {"model": "bench", "messages": [{"role": "user", "content": text}]}


def ask_judge(text: str) -> dict[str, object]:
    asked = ask(f"Criterion: {CRITERION}\nText: {text}\nAnswer with JSON: reason, verdict.")
    return {**asked, "response_format": {"type": "json_object"}}


def check(text: str | None) -> None:
    assert text is not None
    assert "answer" in text


async def gather(url: str, count: int, concurrency: int, judged: bool) -> None:
    import asyncio

    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=url, api_key="any")
    gate = asyncio.Semaphore(concurrency)

    async def one(number: int) -> None:
        async with gate:
            reply = await client.chat.completions.create(**ask(question(number)))  # type: ignore[call-overload]
        text = reply.choices[0].message.content
        check(text)
        if judged:
            import json

            async with gate:
                reply = await client.chat.completions.create(**ask_judge(text))  # type: ignore[call-overload]
            assert json.loads(reply.choices[0].message.content)["verdict"] == "pass"

    await asyncio.gather(*map(one, range(count)))
    await client.close()


def pool(url: str, count: int, concurrency: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from openai import OpenAI

    client = OpenAI(base_url=url, api_key="any")

    def one(number: int) -> None:
        reply = client.chat.completions.create(**ask(question(number)))  # type: ignore[call-overload]
        check(reply.choices[0].message.content)

    with ThreadPoolExecutor(concurrency) as threads:
        for _ in threads.map(one, range(count)):
            pass


def main() -> None:
    kind, url, count, concurrency = sys.argv[1:5]
    if kind == "pool":
        pool(url, int(count), int(concurrency))
    else:
        import asyncio

        asyncio.run(gather(url, int(count), int(concurrency), kind == "judged"))


if __name__ == "__main__":
    main()
