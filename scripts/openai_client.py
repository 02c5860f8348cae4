#!/usr/bin/env python3
"""Shows that the official client of OpenAI works with `gearhead serve`, unchanged.

    pip install openai==3.57.0
    gearhead serve &
    python scripts/openai_client.py [--url http://127.0.0.1:8080/v1] [--key KEY]

Each line says what was asked and what came. The exit code is 1 where an answer is not what OpenAI's interface promises.
"""

import argparse
import json
import math
import sys

import openai

SCHEMA = {
    "type": "object",
    "properties": {"urgent": {"type": "boolean"}, "system": {"enum": ["fuel", "cooling", "hydraulics"]}},
    "required": ["urgent", "system"],
    "additionalProperties": False,
}
COMPLAINT = [{"role": "user", "content": "The CAT 320D excavator loses power uphill. P0087 is shown."}]


def models(client, model):
    assert model in [entry.id for entry in client.models.list()]
    return model


def completion(client, model):
    answer = client.completions.create(model=model, prompt="The fuel filter", max_tokens=12, temperature=0)
    assert answer.usage.completion_tokens <= 12 and answer.choices[0].finish_reason in ("stop", "length")
    return answer.choices[0].text


def stream(client, model):
    whole = client.completions.create(model=model, prompt="The fuel filter", max_tokens=12, temperature=0)
    pieces = list(
        client.completions.create(
            model=model,
            prompt="The fuel filter",
            max_tokens=12,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(piece.choices[0].text for piece in pieces if piece.choices)
    assert text == whole.choices[0].text
    assert pieces[-1].usage.completion_tokens == whole.usage.completion_tokens
    return f"{len(pieces)} chunks, the text of the whole answer"


def chat(client, model):
    answer = client.chat.completions.create(model=model, messages=COMPLAINT, temperature=0, max_tokens=60)
    message = answer.choices[0].message
    assert message.role == "assistant" and message.content
    return message.content


def chat_stream(client, model):
    pieces = client.chat.completions.create(
        model=model, messages=COMPLAINT, temperature=0, max_completion_tokens=30, stream=True
    )
    pieces = [piece.choices[0] for piece in pieces]
    assert pieces[0].delta.role == "assistant" and pieces[-1].finish_reason in ("stop", "length")
    return "".join(piece.delta.content or "" for piece in pieces)


def seed(client, model):
    def text(seed):
        answer = client.completions.create(
            model=model, prompt="Engine", max_tokens=16, temperature=1.0, top_p=0.9, seed=seed
        )
        return answer.choices[0].text

    assert text(7) == text(7)
    assert len({text(number) for number in range(6)}) > 1
    return "the same seed gives the same text, others give others"


def stop(client, model):
    whole = client.completions.create(model=model, prompt="The fuel filter", max_tokens=24, temperature=0)
    word = whole.choices[0].text.split()[1]
    answer = client.completions.create(
        model=model, prompt="The fuel filter", max_tokens=24, temperature=0, stop=[word]
    )
    assert answer.choices[0].text == whole.choices[0].text.split(word)[0]
    return f"ends before {word!r}"


def log_probs(client, model):
    answer = client.chat.completions.create(
        model=model, messages=COMPLAINT, temperature=0, max_tokens=8, logprobs=True, top_logprobs=3
    )
    tokens = answer.choices[0].logprobs.content
    assert all(len(token.top_logprobs) == 3 and token.logprob <= 0 for token in tokens)
    assert all(token.logprob == token.top_logprobs[0].logprob for token in tokens)
    return ", ".join(f"{token.token!r} {math.exp(token.logprob):.2f}" for token in tokens)


def several(client, model):
    answer = client.completions.create(model=model, prompt=["The pump", "The hose"], n=2, max_tokens=6, seed=1)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    return "two texts for each of two prompts"


def schema(client, model):
    answer = client.chat.completions.create(
        model=model,
        messages=COMPLAINT,
        response_format={"type": "json_schema", "json_schema": {"name": "verdict", "schema": SCHEMA, "strict": True}},
    )
    value = json.loads(answer.choices[0].message.content)
    assert isinstance(value["urgent"], bool) and value["system"] in SCHEMA["properties"]["system"]["enum"]
    return json.dumps(value)


def refusals(client, model):
    for error, request in [
        (openai.NotFoundError, {"model": "no-such-model", "prompt": "x"}),
        (openai.BadRequestError, {"model": model, "prompt": "x", "logit_bias": {"5": 1}}),
        (openai.UnprocessableEntityError, {"model": model, "prompt": [10**9]}),
    ]:
        try:
            client.completions.create(**request)
        except error as refused:
            assert refused.body["message"]
        else:
            raise AssertionError(f"{request} was not refused")
    return "what cannot be done is refused with the client's own errors"


CHECKS = [models, completion, stream, chat, chat_stream, seed, stop, log_probs, several, schema, refusals]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="http://127.0.0.1:8080/v1")
    parser.add_argument("--key", default="none")
    args = parser.parse_args()
    client = openai.OpenAI(base_url=args.url, api_key=args.key, max_retries=0)
    try:
        model = client.models.list().data[0].id
    except openai.APIConnectionError:
        sys.exit(f"{args.url}: no service answers")
    failed = 0
    for check in CHECKS:
        try:
            print(f"ok      {check.__name__}: {check(client, model)}")
        except (AssertionError, openai.OpenAIError, KeyError, ValueError, IndexError) as error:
            failed += 1
            print(f"FAILED  {check.__name__}: {type(error).__name__}: {error}")
    print(f"openai {openai.__version__}: {len(CHECKS) - failed} of {len(CHECKS)} as promised")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
