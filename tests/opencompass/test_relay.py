import http.client
import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from genius_bench.engines.loading import resolve_model
from genius_bench.judging.judge import open_judge
from genius_bench.opencompass.backends import TRIES, Checkpoint, JudgeDesk
from genius_bench.opencompass.relay import Answer, Journal, Relay, Unusable
from genius_bench.opencompass.serving import Server
from genius_bench.recipe import EngineSection, JudgeSection
from tests.judging.loopback import serve

Json = dict[str, Any]


def ask(url: str, text: str, model: str = "greedy", max_tokens: int = 32) -> tuple[int, str]:
    """Status and text of an answer, as OpenCompass asks for it."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    messages = [{"role": "user", "content": text}]
    body = {"model": model, "messages": messages, "max_tokens": max_tokens, "n": 1, "temperature": 0.0}
    connection.request("POST", f"{place.path}/chat/completions", json.dumps(body))
    response = connection.getresponse()
    value = json.loads(response.read())
    connection.close()
    if response.status != 200:
        return response.status, value["error"]["message"]
    assert value["choices"][0]["finish_reason"] == "stop"
    return 200, value["choices"][0]["message"]["content"]


def test_an_answer_is_asked_for_once_and_survives_a_kill(tmp_path: Path) -> None:
    asked: list[Json] = []

    def backend(body: Json) -> Answer:
        asked.append(body)
        return Answer(text="hello", finish_reason="length", tokens=3)

    path = tmp_path / "answers.jsonl"
    with Relay({"greedy": backend}, Journal(path)).running() as relay:
        assert ask(relay.url, "q") == ask(relay.url, "q") == (200, "hello")
    path.write_text(path.read_text() + '{"request": "torn', encoding="utf-8")  # killed in mid-write
    journal = Journal(path)
    with Relay({"greedy": backend}, journal).running() as relay:
        assert ask(relay.url, "q") == (200, "hello")
        ask(relay.url, "another")
    assert len(asked) == 2
    journal.close()
    found = Journal(path).find("greedy", [{"role": "user", "content": "q"}])
    assert found == Answer("hello", "length", 3)
    assert len(Journal(path)) == 2


def test_an_error_is_an_empty_answer_with_a_reason(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "answers.jsonl")
    with Relay({"greedy": lambda _: Answer(error="too long")}, journal).running() as relay:
        assert ask(relay.url, "q") == (200, "")
    found = journal.find("greedy", [{"role": "user", "content": "q"}])
    assert found is not None
    assert found.error == "too long"


def test_where_nobody_answers_the_rest_is_not_tried(tmp_path: Path) -> None:
    tried: list[str] = []

    def backend(body: Json) -> Answer:
        tried.append("once")
        raise Unusable("the server is gone")

    with Relay({"greedy": backend}, Journal(tmp_path / "a")).running() as relay:
        assert ask(relay.url, "q")[0] == ask(relay.url, "r")[0] == 400
    assert relay.broken == "the server is gone"
    assert tried == ["once"]


def test_a_fault_of_our_own_is_told(tmp_path: Path) -> None:
    def backend(body: Json) -> Answer:
        raise KeyError("oops")

    with Relay({"greedy": backend}, Journal(tmp_path / "a")).running() as relay:
        ask(relay.url, "q")
    assert relay.broken == "KeyError: 'oops'"


def checkpoint(url: str, kind: str = "vllm", max_tokens: int = 10**6) -> Checkpoint:
    server = Server(url, "served", kind)
    return Checkpoint(server, resolve_model("lab"), EngineSection(), "mmlu", max_tokens)


def test_requests_to_a_checkpoint_say_all_that_matters(tmp_path: Path) -> None:
    with serve(lambda _: "fine") as upstream:
        backend = checkpoint(upstream.url, max_tokens=20)
        with Relay({"greedy": backend, "sample-1": backend}, Journal(tmp_path / "a")).running() as relay:
            ask(relay.url, "q")
            ask(relay.url, "q", model="sample-1")
        backend.close()
    first, second = upstream.bodies
    assert first["model"] == "served"
    assert (first["temperature"], first["top_p"], first["max_tokens"]) == (0.0, 1.0, 20)
    assert first["seed"] != second["seed"]
    assert "n" not in first


def test_transformers_serve_is_told_to_sample(tmp_path: Path) -> None:
    """It stays greedy at any `temperature` otherwise, and keeps top_k = 50."""
    backend = checkpoint("http://127.0.0.1:1/v1", kind="transformers")
    messages = [{"role": "user", "content": "q"}]
    body = {"model": "sample-1", "messages": messages, "max_tokens": 5, "temperature": 1.0}
    request = backend._request(body, 5)
    backend.close()
    assert "temperature" not in request
    assert json.loads(request["generation_config"]) == {
        "do_sample": True,
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "max_new_tokens": 5,
        "eos_token_id": [2],
        "pad_token_id": 0,
    }


def test_a_prompt_beyond_the_context_is_an_error_of_its_own(tmp_path: Path) -> None:
    with serve(lambda _: "fine") as upstream:
        backend = checkpoint(upstream.url)
        journal = Journal(tmp_path / "a")
        with Relay({"greedy": backend}, journal).running() as relay:
            assert ask(relay.url, "word " * 5000) == (200, "")
            assert ask(relay.url, "short", max_tokens=10**6) == (200, "fine")
        backend.close()
    found = journal.find("greedy", [{"role": "user", "content": "word " * 5000}])
    assert found is not None
    assert "does not fit the model's context of 4096" in found.error
    assert 4000 < upstream.bodies[0]["max_tokens"] < 4096


def test_a_server_that_only_fails_is_not_asked_for_ever(tmp_path: Path, quick: None) -> None:
    """OpenCompass' class `OpenAI` sent 1800 requests in ten seconds to such a server, and did not stop."""
    with serve(lambda _: "fine", faults=["500 broken"] * 99) as upstream:
        backend, journal = checkpoint(upstream.url), Journal(tmp_path / "a")
        with Relay({"greedy": backend}, journal).running() as relay:
            assert ask(relay.url, "q") == (200, "")
        backend.close()
    assert len(upstream.bodies) == TRIES
    found = journal.find("greedy", [{"role": "user", "content": "q"}])
    assert found is not None
    assert "HTTP 500" in found.error


def test_a_server_that_is_gone_breaks_the_run(tmp_path: Path, quick: None) -> None:
    backend = checkpoint("http://127.0.0.1:9/v1")
    with Relay({"greedy": backend}, Journal(tmp_path / "a")).running() as relay:
        assert ask(relay.url, "q")[0] == 400
    backend.close()
    assert "no connection" in str(relay.broken)


def test_questions_to_a_judge_are_put_together_and_paid_for_once(tmp_path: Path) -> None:
    with serve(lambda messages: "m") as upstream:
        section = JudgeSection(model="loopback", url=upstream.url)
        for _ in range(2):
            desk = JudgeDesk(open_judge(section, tmp_path, EngineSection()))
            with Relay({"judge": desk}, Journal(tmp_path / f"{_}")).running() as relay:
                threads = [
                    threading.Thread(target=ask, args=(relay.url, f"question {n}", "judge")) for n in range(8)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            desk.close()
            assert relay.broken is None
    assert len(upstream.prompts) == 8


def test_a_judge_without_a_key_that_works_ends_the_run(tmp_path: Path, quick: None) -> None:
    with serve(lambda messages: "m", faults=["401 no such key"] * 9) as upstream:
        desk = JudgeDesk(
            open_judge(JudgeSection(model="loopback", url=upstream.url), tmp_path, EngineSection())
        )
        with Relay({"judge": desk}, Journal(tmp_path / "a")).running() as relay:
            assert ask(relay.url, "q", "judge")[0] == 400
        desk.close()
    assert "no such key" in str(relay.broken)
