"""LiveCodeBench's items for `datasets` 3. OpenCompass asks for a `version_tag`, which no folder of rows takes."""

import json
from collections.abc import Iterator
from typing import Any

import datasets

COLUMNS = (
    "question_id",
    "question_content",
    "starter_code",
    "metadata",
    "public_test_cases",
    "private_test_cases",
)


class Configuration(datasets.BuilderConfig):
    def __init__(self, version_tag: str = "", **others: Any) -> None:
        super().__init__(**others)
        self.version_tag = version_tag


class CodeGenerationLite(datasets.GeneratorBasedBuilder):
    BUILDER_CONFIG_CLASS = Configuration

    def _info(self) -> Any:
        return datasets.DatasetInfo(
            features=datasets.Features({name: datasets.Value("large_string") for name in COLUMNS})
        )

    def _split_generators(self, manager: Any) -> list[Any]:
        path = manager.download("test.jsonl")
        return [datasets.SplitGenerator(name=datasets.Split.TEST, gen_kwargs={"path": path})]

    def _generate_examples(self, path: str) -> Iterator[tuple[int, dict[str, Any]]]:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                yield number, json.loads(line)
