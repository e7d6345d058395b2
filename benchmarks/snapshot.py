"""The numbers of a finished study, kept as text, and what a change of the code did to them.

`take` writes every table, rejected file and model's predictions of one study into a folder of
small files; `compare` says of each whether it is the same in another such folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

N_PREDICTED = 8  # radiographs that each saved model is asked about


def take(data: Path, study: str, out: Path, models: bool) -> None:
    """Write `out/<layer>/…`, one CSV, JSON or page per output of `data/<layer>/<study>/…`."""
    images = next(data.glob(f"*/{study}/images.npy"))
    radiographs = np.load(images, mmap_mode="r")[:N_PREDICTED]
    for path in sorted(data.glob(f"0[2-8]*/{study}/**/*.*")):
        layer, _, *rest = path.relative_to(data).parts
        target = out.joinpath(layer, *rest)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in {".csv", ".json", ".md"}:
            shutil.copyfile(path, target)
        elif path.is_file() and (table := as_table(path, radiographs, models)) is not None:
            table.to_csv(target.with_name(f"{target.name}.csv"), index=False)


def as_table(path: Path, radiographs: np.ndarray, models: bool) -> pd.DataFrame | None:
    """A file that is not text as a table: rows, predictions, or a digest."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".keras":
        return predictions(path, radiographs) if models else None
    if path.suffix == ".npy":
        array = np.load(path, mmap_mode="r")
        facts = {"shape": str(array.shape), "dtype": str(array.dtype)}
        facts |= {"mean": array.mean(dtype=float), "std": array.std(dtype=float)}
        return pd.DataFrame([facts | {"sha256": hashlib.sha256(array.tobytes()).hexdigest()}])
    return pd.DataFrame([{"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}])


def predictions(path: Path, radiographs: np.ndarray) -> pd.DataFrame:
    """What a model answers to grey radiographs, resized as it wants them; a row per radiograph."""
    import cv2

    from covid_xray.datasets import KerasModelDataset

    print(f"asking {path}", flush=True)
    model = KerasModelDataset(filepath=str(path)).load()
    side = model.input_shape[1] or radiographs.shape[1]
    batch = np.stack([cv2.resize(image, (side, side)) for image in radiographs]).astype("float32")
    if len(model.input_shape) == 4:
        batch = np.repeat(batch[..., None], model.input_shape[3] or 1, axis=3)
    answers = model.predict(batch, batch_size=N_PREDICTED, verbose=0).reshape(len(batch), -1)
    # Of answers that are images, 64 pixels at even steps.
    kept = answers[:, :: max(1, answers.shape[1] // 64)]
    return pd.DataFrame(kept).add_prefix("answer_")


def compare(old: Path, new: Path, names: Path | None) -> None:
    """Print a line per output of the old snapshot, then what only the new one has."""
    rules = [] if names is None else pd.read_csv(names, dtype=str, keep_default_na=False).to_numpy()
    found = {str(path.relative_to(new)) for path in new.rglob("*") if path.is_file()}
    for path in sorted(path for path in old.rglob("*") if path.is_file()):
        name = str(path.relative_to(old))
        new_name, query = renamed(name, rules)
        if not new_name:
            verdict = "dropped"
        elif not (new / new_name).is_file():
            verdict = "MISSING"
        else:
            found.discard(new_name)
            verdict = difference(path, new / new_name, query)
        print(f"{verdict:<30}\t{name}" + (f"\t-> {new_name} {query}" if new_name != name else ""))
    for name in sorted(found):
        print(f"{'new':<30}\t{name}")


def renamed(name: str, rules: np.ndarray | list) -> tuple[str, str]:
    """Where an output lies now and which rows it is there, by the first rule that matches."""
    for old_name, new_name, query in rules:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(old_name))
        if matched := re.fullmatch(pattern, name):
            return new_name.format(**matched.groupdict()), query.format(**matched.groupdict())
    return name, ""


def difference(old: Path, new: Path, query: str) -> str:
    """In words: same bytes, same cells, the largest difference of a number, other columns."""
    if not query and old.read_bytes() == new.read_bytes():
        return "same bytes"
    if old.suffix == ".md":
        return "OTHER TEXT"
    before, after = table(old), table(new).query(query or "index == index")
    gone = sorted(set(before) - set(after))
    # The keys of a long table's runs were names of folders; columns of other runs are empty.
    added = [name for name in after if name not in [*before] and name not in query]
    added = [name for name in added if (after[name] != "").any() or not query]
    words = f"GONE {gone}, ADDED {added}; else: " if gone or added else ""
    shared = [name for name in before if name in after]
    if not words and shared != [name for name in after if name in shared]:
        words = "COLUMNS IN ANOTHER ORDER; else: "
    return words + difference_of_cells(before[shared], after[shared].reset_index(drop=True))


def difference_of_cells(before: pd.DataFrame, after: pd.DataFrame) -> str:
    """The largest difference of a number, and texts that differ."""
    if len(before) != len(after):
        return f"{len(after)} ROWS, not {len(before)}"
    if before.equals(after):
        return "same cells"
    numbers, texts = {}, {}
    for name in before.columns[(before != after).any()]:
        a, b = (pd.to_numeric(frame[name], errors="coerce") for frame in (before, after))
        numbers[name] = float(np.nan_to_num((a - b).abs().max()))
        texts[name] = int(((before[name] != after[name]) & (a.isna() | b.isna())).sum())
    worst, most = (max(found, key=lambda name: found[name]) for found in (numbers, texts))
    said = f"at most {numbers[worst]:.3g} ({worst})" if numbers[worst] else "same numbers"
    return said + (f", {sum(texts.values())} OTHER TEXTS ({most})" if texts[most] else "")


def table(path: Path) -> pd.DataFrame:
    """Cells as they are written; a JSON file is one row."""
    if path.suffix == ".json":
        return pd.json_normalize(json.loads(path.read_text("utf-8"))).astype(str)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    taking, comparing = commands.add_parser("take"), commands.add_parser("compare")
    taking.add_argument("data", type=Path)
    taking.add_argument("study")
    taking.add_argument("out", type=Path)
    taking.add_argument("--no-models", dest="models", action="store_false")
    comparing.add_argument("old", type=Path)
    comparing.add_argument("new", type=Path)
    comparing.add_argument("--names", type=Path, help="CSV: old_name,new_name,query")
    given = vars(parser.parse_args())
    {"take": take, "compare": compare}[given.pop("command")](**given)
