"""Any data set on the Hugging Face hub, at a revision that is always recorded. Data sets' own code is never run."""

from collections.abc import Iterator
from typing import Any

from genius_bench.corpora.stream import BadRows, Record, Stream
from genius_bench.errors import InputError
from genius_bench.offline import not_here
from genius_bench.recipe import CorpusSection

TIMEOUT_SECONDS = 20


def hub(section: CorpusSection, bad_rows: BadRows) -> Stream:
    """The data set `owner/name[:config[:split]]`, of which the train split is read unless another is named."""
    return open_hub(section.name, section.revision)


def open_hub(name: str, revision: str | None) -> Stream:
    identifier, _, rest = name.partition(":")
    config, _, split = rest.partition(":")
    revision = resolve_revision(identifier, revision)
    rows = _load(identifier, config or None, split or "train", revision)
    origin = {"hub_id": name, "revision": revision or "newest in the local cache"}
    return Stream(name=name, records=_records(identifier, rows), origin=origin)


def resolve_revision(identifier: str, revision: str | None) -> str | None:
    """The commit behind a branch, a tag or nothing. Offline it cannot be asked for: what is given is kept."""
    from huggingface_hub import HfApi, constants

    if constants.is_offline_mode():
        return revision
    try:
        info = HfApi().dataset_info(identifier, revision=revision, timeout=TIMEOUT_SECONDS)
    except Exception as error:  # the hub client raises its transport's errors as they come
        raise _unreachable(identifier, error) from error
    return info.sha


def _load(identifier: str, config: str | None, split: str, revision: str | None) -> Any:
    from datasets import load_dataset

    try:
        return load_dataset(identifier, config, split=split, revision=revision)
    except Exception as error:
        raise _unreachable(identifier, error) from error


def _records(identifier: str, rows: Any) -> Iterator[Record]:
    for number, values in enumerate(rows):
        yield Record(f"{identifier} row {number}", values)


def _unreachable(identifier: str, error: Exception) -> InputError:
    from huggingface_hub import constants

    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    if constants.is_offline_mode():
        return not_here(f"data set {identifier}", "--corpus or --set corpus.data=DIR/corpora")
    return InputError(
        f"cannot read data set {identifier} from the hub: {reason.rstrip('.')}. Without a connection, name "
        "a local copy of it (file or folder) as the corpus"
    )
