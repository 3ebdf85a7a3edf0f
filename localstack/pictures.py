"""10,000 small pictures of a folder made into thumbnails: `assetmill run` beside `sharp-cli` and `vipsthumbnail`, in turns, on
the same files and cores. Prints the seconds of each round, and the ratio of the medians.

    python3 localstack/pictures.py target/release/assetmill [--sharp PATH] [--vips PATH] [--count 10000] [--rounds 3]

`npm install sharp-cli` brings the one, Debian's libvips-tools the other; one that is not there is left out. The pictures are
made with Pillow, from PyPI.
"""

import argparse
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

from PIL import Image

SAMPLE = pathlib.Path(__file__).parent / "samples/coffee.jpg"


def pictures(folder, count):
    """Parts of one photograph of 360 by 480 pixels, no two of which look the same."""
    photograph = Image.open(SAMPLE)
    folder.mkdir()
    for number in range(count):
        left, top = number % 40, number // 40 % 120
        part = photograph.crop((left, top, left + 360, top + 480))
        part.putpixel((180, 240), (number % 256, number // 256 % 256, 128))
        shade = 1 - number // 4800 / 10
        part.point(lambda value: int(value * shade)).save(folder / f"{number:05}.jpg", quality=82)


def timed(command, folder):
    """Runs a command; how long it took, and how much of the cores."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assetmill", type=pathlib.Path)
    parser.add_argument("--sharp", default=shutil.which("sharp"))
    parser.add_argument("--vips", default=shutil.which("vipsthumbnail"))
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".", prefix="pictures-") as name:
        folder = pathlib.Path(name).resolve()
        pictures(folder / "photos", asked.count)
        of_round = {
            "assetmill": lambda out: [asked.assetmill.resolve(), "run", "thumbnail", "photos", "-p", "width=200",
                                      "-p", "height=200", "-o", out],
            "sharp-cli": asked.sharp and (lambda out: [asked.sharp, "resize", "200", "200", "--fit", "inside", "-o", out,
                                                       "-i", "photos/*.jpg"]),
            "vipsthumbnail": asked.vips and (lambda out: ["sh", "-c", f"{asked.vips} -s 200x200 -o {out}/%s.jpg photos/*.jpg"]),
        }
        taken = {who: [] for who, command in of_round.items() if command}
        for number in range(asked.rounds):
            for who, rounds in taken.items():
                out = folder / f"{who}-{number}"
                if who != "assetmill":
                    out.mkdir()
                took = timed(of_round[who](str(out)), folder)
                made = len(list(out.glob("*.jpg")))
                assert made == asked.count, f"{who} made {made} of {asked.count}"
                rounds.append(took)
                print(f"{who:14} {took[0]:7.1f} s {took[1]:7.1f} s CPU", flush=True)
        medians = {who: statistics.median(took for took, _ in rounds) for who, rounds in taken.items()}
        for who, seconds in medians.items():
            print(f"{who:14} median {seconds:.1f} s, assetmill takes {medians['assetmill'] / seconds:.2f} of it")


main()
