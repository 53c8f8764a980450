"""The reference side of the data benchmark: timm's transforms on Pillow, one thread, driven line by line.

Reads a JSON object with the JPEG paths from the first line of its input, then for every line {"stage", "images"} runs the
stage on that many images and answers {"seconds", "cpuSeconds"}. timm is looked for beside the interpreter's own packages,
in the folder that REVAT_TIMM names, if any.
"""

import importlib
import io
import json
import os
import sys
import time

if os.environ.get("REVAT_TIMM"):
    sys.path.append(os.environ["REVAT_TIMM"])
import torch
from PIL import Image

import PIL

torch.set_num_threads(1)
# Importing timm may print notices; answers alone go to the real output.
answers, sys.stdout = sys.stdout, sys.stderr
create_transform = importlib.import_module("timm.data.transforms_factory").create_transform
timm_version = importlib.import_module("timm").__version__

NO_NORMALISATION = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
heavy = create_transform(
    224, is_training=True, interpolation="bicubic", auto_augment="rand-m9-mstd0.5-inc1", re_prob=0.25, re_mode="pixel", **NO_NORMALISATION
)
evaluation = create_transform(224, interpolation="bicubic", crop_pct=0.875, **NO_NORMALISATION)


def decode(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


STAGES = {
    "decode": decode,
    "heavy": lambda data: heavy(decode(data)),
    "evaluation": lambda data: evaluation(decode(data)),
}


def main():
    files = [open(path, "rb").read() for path in json.loads(sys.stdin.readline())["files"]]
    print(json.dumps({"timm": timm_version, "pillow": PIL.__version__, "torch": torch.__version__}), flush=True, file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        run = STAGES[request["stage"]]
        wall, cpu = time.perf_counter(), time.process_time()
        for i in range(request["images"]):
            run(files[i % len(files)])
        answer = {"seconds": time.perf_counter() - wall, "cpuSeconds": time.process_time() - cpu}
        print(json.dumps(answer), flush=True, file=answers)


main()
