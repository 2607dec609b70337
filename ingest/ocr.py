"""Pictures of pages to text, offline; the only RapidOCR import.

Its models (PP-OCRv6, Chinese and English) are in its wheel.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from .loaders.building import join_wrapped_lines
from .privacy import no_telemetry

if TYPE_CHECKING:
    from PIL.Image import Image

THREADS = 2
_SIDE = 1600  # the longer side the text is searched on; it is read from the full picture
_SURE = 0.5  # below it a line is noise

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Line:
    """Text in one box, upright."""

    box: Box
    text: str

    @property
    def height(self) -> float:
        """Pixels from its top to its bottom."""
        return self.box[3] - self.box[1]


class Recognizer:
    """Reads pictures. Loads its models at the first one; one picture at a time, whichever thread asks.

    Args:
        threads: at most so many; never more than two.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = max(1, min(threads, THREADS))
        self._engine: Any = None
        self._lock = threading.Lock()

    def recognize(self, image: Image) -> str:
        """The text of a page in reading order; empty where there is none. Pages lying on a side or head are turned."""
        pixels = np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])  # BGR, as OpenCV has it
        with self._lock:
            if self._engine is None:
                self._engine = _load(self._threads)
            lines = self._lines(pixels)
        return join_wrapped_lines("\n".join(reading_order(lines)))

    def _lines(self, pixels: np.ndarray) -> list[Line]:
        boxes, crops = self._detect(pixels)
        if _lies_on_side(boxes):
            pixels = np.ascontiguousarray(np.rot90(pixels))
            boxes, crops = self._detect(pixels)
        if self._is_upside_down(crops):
            pixels = np.ascontiguousarray(np.rot90(pixels, 2))
            boxes, crops = self._detect(pixels)
        if not crops:
            return []
        found = self._engine.recognize_txt(crops)
        return [
            Line(_bounds(box), text.strip())
            for box, text, score in zip(boxes, found.txts, found.scores, strict=True)
            if score >= _SURE and text.strip()
        ]

    def _detect(self, pixels: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Corners of every line of text, and its picture, upright if the page is."""
        found = self._engine._load_det_model()(pixels)
        if found.boxes is None or not len(found.boxes):
            return [], []
        return list(found.boxes), self._engine.crop_text_regions(pixels, found.boxes)

    def _is_upside_down(self, crops: list[np.ndarray]) -> bool:
        """What the direction model suspects is believed only where the text reads better so."""
        wide = sorted((crop for crop in crops if crop.shape[1] > 2 * crop.shape[0]), key=lambda c: -c.shape[1])[:9]
        if not wide:
            return False
        suspected = [label for label, _ in self._engine._load_cls_model()(wide).cls_res].count("180")
        if suspected <= len(wide) // 3:
            return False
        sample = wide[:4]
        turned = [np.ascontiguousarray(np.rot90(crop, 2)) for crop in sample]
        scores = self._engine.recognize_txt(sample + turned).scores
        return bool(sum(scores[len(sample) :]) > sum(scores[: len(sample)]))


def _load(threads: int) -> Any:
    no_telemetry()
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            # Named, so that nothing is ever downloaded: by itself it would replace a file with a wrong checksum.
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Cls.model_path": str(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "Det.limit_type": "max",
            "Det.limit_side_len": _SIDE,
        }
    )


def _lies_on_side(boxes: list[np.ndarray]) -> bool:
    """Most of the text (by length) runs up or down."""
    tall = wide = 0.0
    for box in boxes:
        across = float(np.linalg.norm(box[1] - box[0]))
        down = float(np.linalg.norm(box[3] - box[0]))
        if down > 1.5 * across:
            tall += down
        elif across > 1.5 * down:
            wide += across
    return tall > 2 * wide


def _bounds(box: np.ndarray) -> Box:
    return float(box[:, 0].min()), float(box[:, 1].min()), float(box[:, 0].max()), float(box[:, 1].max())


def reading_order(lines: list[Line]) -> list[str]:
    """Lines as one reads them: blocks across the page from the top, in them columns from the left, in them rows.

    Cuts go through white space: down where a gutter is, else across; a blank line marks a wide gap.
    """
    if not lines:
        return []
    return _cut(lines, median(line.height for line in lines))


def _cut(lines: list[Line], height: float) -> list[str]:
    columns = _split(lines, 0, 0.6 * height)
    if len(columns) > 1 and all(len(column) > 2 for column in columns) and _are_columns(columns):
        return [text for column in columns for text in [*_cut(column, height), ""]]
    bands = _split(lines, 1, 0.9 * height)
    if len(bands) > 1:
        # Neighbouring bands that share a gutter are one piece of a page with columns.
        merged: list[list[Line]] = []
        for band in bands:
            both = [*merged[-1], *band] if merged else band
            parts = _split(both, 0, 0.6 * height)
            if (
                merged
                and len(parts) > 1
                and len(band) > 1
                and all(len(part) > 2 for part in parts)
                and _are_columns(parts)
            ):
                merged[-1] = both
            else:
                merged.append(band)
        if len(merged) > 1:
            return [text for band in merged for text in [*_cut(band, height), ""]]
        return _cut(merged[0], height) if len(merged[0]) < len(lines) else _rows(lines)
    return _rows(lines)


def _are_columns(columns: list[list[Line]]) -> bool:
    """Text set in columns has wide lines; the cells of a table are short and stay rows."""
    return all(median(line.box[2] - line.box[0] for line in column) > 6 * column[0].height for column in columns)


def _split(lines: list[Line], axis: int, gap: float) -> list[list[Line]]:
    """Groups apart by at least ``gap`` of white along an axis (0: from the left, 1: from the top)."""
    groups: list[list[Line]] = []
    end = 0.0
    for line in sorted(lines, key=lambda one: one.box[axis]):
        if groups and line.box[axis] - end < gap:
            groups[-1].append(line)
        else:
            groups.append([line])
            end = line.box[axis + 2]
        end = max(end, line.box[axis + 2])
    return groups


def _rows(lines: list[Line]) -> list[str]:
    """Boxes at one height are one line of text, from the left."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda one: one.box[1] + one.box[3]):
        middle = (line.box[1] + line.box[3]) / 2
        last = rows[-1][-1] if rows else None
        if last is not None and abs(middle - (last.box[1] + last.box[3]) / 2) < 0.5 * min(line.height, last.height):
            rows[-1].append(line)
        else:
            rows.append([line])
    return ["   ".join(line.text for line in sorted(row, key=lambda one: one.box[0])) for row in rows]
