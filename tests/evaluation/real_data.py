"""Where the real benchmark items are, laid out as `--data` wants them."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("GENIUS_BENCH_TEST_DATA") or ROOT.parent / "shared" / "data")
MISSING = f"no benchmark items in {FOLDER} (GENIUS_BENCH_TEST_DATA)"
RENAMED = {
    "strategyqa/test.jsonl.gz": "strategyqa/train.jsonl.gz",
    "livecodebench/test.jsonl.gz": "livecodebench/test_v5_statements.jsonl.gz",
}
"""Files that the hub calls otherwise."""
TASKS = (
    *("gsm8k", "math", "math500", "logiqa", "strategyqa", "arc_challenge", "aime24"),
    *("mmlu", "mmlu_pro", "mbpp", "livecodebench", "alpaca_eval", "arena_hard"),
)


def link(folder: Path) -> Path:
    """`folder` with links to the real items in it."""
    for source in sorted(FOLDER.iterdir()):
        if source.is_dir() and not any(name.startswith(f"{source.name}/") for name in RENAMED):
            (folder / source.name).symlink_to(source)
    for name, source_name in RENAMED.items():
        (folder / name).parent.mkdir()
        (folder / name).symlink_to(FOLDER / source_name)
    return folder
