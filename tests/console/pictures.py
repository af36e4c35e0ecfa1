"""The two pictures of the README: ``make console-pictures`` takes them of a showcase, light and dark."""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path
from typing import Any

from .conftest import launch
from .server import Client, Server
from .showcase import fill

PICTURES = {
    "console-dialogue.webp": ("light", "#/dialogue/order-4711?panel=context"),
    "console-overview.webp": ("dark", "#/"),
}
SIZE = {"width": 1280, "height": 800}
# A browser writes WebP, which Playwright does not: a canvas in a page without a policy does it.
TO_WEBP = """async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", 0.82).split(",")[1];
}"""


def take(browser: Any, server: Server, folder: Path) -> None:
    """Take each picture and store it, compressed."""
    for name, (theme, address) in PICTURES.items():
        context = browser.new_context(viewport=SIZE, color_scheme=theme, locale="en-GB")
        page = context.new_page()
        page.goto(f"{server.url}/console/")
        page.get_by_label("API key").fill(server.keys["manage"])
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Overview").wait_for()
        page.goto(f"{server.url}/console/{address}")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(500)
        png = base64.b64encode(page.screenshot()).decode()
        page.goto("about:blank")
        (folder / name).write_bytes(base64.b64decode(page.evaluate(TO_WEBP, png)))
        context.close()


def main(folder: Path) -> None:
    """Start a server with the showcase, and take the pictures of it."""
    with tempfile.TemporaryDirectory() as data:
        server = Server(Path(data))
        server.command("migrate")
        server.keys["manage"] = server.command("keys", "create", "--rights", "manage")
        server.start()
        try:
            fill(Client(server, server.keys["manage"]))
            with launch() as browser:
                take(browser, server, folder)
        finally:
            server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
