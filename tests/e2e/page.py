#!/usr/bin/env python3
"""A page in a real browser, headless.

    page.py measure BROWSER PAGE WIDTH…  what the browser makes of it, a line for each width: the width, title, its width, the widest
                                         that it can be scrolled to, and of the timeline: marks, and whether all of them have a size
    page.py look BROWSER PAGE WIDTH PNG  a screenshot: its width, and the share of the pixels in thousandths that are not the
                                         background, that are of the colour of misses, of hits
    page.py print BROWSER PAGE PDF       on paper: how many pages, as far as the file says
"""
import json
import re
import struct
import subprocess
import sys
import tempfile
import zlib

# A window of the browser has a least width, a frame has none.
OUTER = """<!DOCTYPE html><meta charset=utf-8><body><pre></pre><script>
for (const width of %s) {
    const frame = document.createElement('iframe');
    frame.style = 'border:0;height:800px;width:' + width + 'px';
    frame.onload = () => {
        const inner = frame.contentDocument;
        const marks = [...inner.querySelectorAll('svg.lanes rect')].map(r => r.getBoundingClientRect());
        document.querySelector('pre').append([width, inner.title.replace(/[^a-z: ]/gi, '?'), inner.documentElement.clientWidth,
            inner.documentElement.scrollWidth, marks.length, marks.every(r => r.width > 0 && r.height > 0)].join(' ') + '\\n');
    };
    frame.srcdoc = %s;
    document.body.append(frame);
}
</script>"""


def browse(browser, width, *args):
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                   "--disable-extensions", "--disable-background-networking", "--blink-settings=preferredColorScheme=1",
                   "--user-data-dir=" + profile, "--window-size=%d,%d" % (width, 1800 if width < 600 else 1000), *args]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, check=True).stdout


def measure(browser, page, *widths):
    with open(page, encoding="utf-8") as f, tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as outer:
        outer.write(OUTER % (json.dumps(list(map(int, widths))), json.dumps(f.read()).replace("<", "\\u003c")))
        outer.flush()
        dom = browse(browser, 1400, "--dump-dom", "file://" + outer.name).decode("utf-8")
    print("".join(sorted(re.search("<pre>(.*?)</pre>", dom, re.S).group(1).splitlines(True), key=lambda line: int(line.split()[0]))), end="")


def pixels(png):
    """Width, height and rows of (r, g, b) of a PNG with 8 bits of RGB or RGBA."""
    data = open(png, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
            assert depth == 8 and colour in (2, 6)
        elif kind == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += 12 + length
    size = 3 if colour == 2 else 4
    raw, stride = zlib.decompress(packed), width * size
    before, rows = bytearray(stride), []
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            left, up, corner = row[i - size] if i >= size else 0, before[i], before[i - size] if i >= size else 0
            if kind == 1:
                row[i] = (row[i] + left) & 255
            elif kind == 2:
                row[i] = (row[i] + up) & 255
            elif kind == 3:
                row[i] = (row[i] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                a, b, c = abs(guess - left), abs(guess - up), abs(guess - corner)
                row[i] = (row[i] + (left if a <= b and a <= c else up if b <= c else corner)) & 255
        before = row
        rows.append([tuple(row[i:i + 3]) for i in range(0, stride, size)])
    return width, height, rows


def near(pixel, colour):
    return all(abs(a - b) < 24 for a, b in zip(pixel, colour))


def look(browser, page, width, png):
    browse(browser, int(width), "--screenshot=" + png, "file://" + page)
    wide, high, rows = pixels(png)
    flat = [p for row in rows for p in row]
    share = lambda want: sum(map(want, flat)) * 1000 // len(flat)
    background = flat[0]
    print(wide, share(lambda p: p != background), share(lambda p: near(p, (0xd9, 0x57, 0x0a))), share(lambda p: near(p, (0x1b, 0x8a, 0x6b))))


def on_paper(browser, page, pdf):
    browse(browser, 1000, "--print-to-pdf=" + pdf, "file://" + page)
    data = open(pdf, "rb").read()
    assert data.startswith(b"%PDF")
    print(max(int(n) for n in re.findall(rb"/Count (\d+)", data)))


{"measure": measure, "look": look, "print": on_paper}[sys.argv[1]](*sys.argv[2:])
