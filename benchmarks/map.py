"""A further period on our map beside a bare MapLibre page doing the same on the same data.

Against ATALAIA_URL (`make up` first). Both pages run in the same Chromium, draw the same shapes
and values with SwiftShader, and are timed inside the page: from the moment the period is asked
for to the frame that shows it. Also weighs what the first screen brings over the wire.
"""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route, sync_playwright

from rig import ROOT, Line, report

URL = os.environ.get("ATALAIA_URL", "http://127.0.0.1:8000")
MONTHS = [f"{year}-{month:02}" for year in range(2015, 2020) for month in range(1, 13)]
STEP, JUMP = 1, 7  # months on the slider: to the neighbour, and past all that is at hand
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
VIEW = {"width": 1440, "height": 900}
BARE = """<!doctype html><link rel="stylesheet" href="/bare/maplibre-gl.css">
<style>html,body,#map{margin:0;height:100%}</style><div id="map"></div>
<script type="module">
import * as maplibregl from '/bare/maplibre-gl.mjs';
if (maplibregl.setWorkerUrl) maplibregl.setWorkerUrl('/bare/maplibre-gl-worker.mjs');
const map = new maplibregl.Map({container:'map', fadeDuration:0, attributionControl:false,
  bounds:[-74.2,-33.9,-34.6,5.4], style:{version:8, sources:{}, layers:[
    {id:'paper', type:'background', paint:{'background-color':'#fff'}}]}});
const asked = (p) => `/v1/geo/choropleth?indicator=deaths_total&period=${p}&level=municipality`;
const ask = (p) => fetch(asked(p))
  .then((r) => r.json());
window.question = async (period) => {
  const began = performance.now();
  const answer = await ask(period);
  for (const {territory_id, value} of answer.items)
    map.setFeatureState({source:'shapes', id:territory_id}, {v: value});
  await new Promise((done) => { map.once('render', done); map.triggerRepaint(); });
  return performance.now() - began;
};
map.once('load', async () => {
  const shapes = await (await fetch('/v1/geo/shapes/municipality')).json();
  const first = await ask('2015-01');
  const colours = ['#c7e9b4','#7fcdbb','#41b6c4','#1d91c0','#225ea8','#0c2c84'];
  const edges = first.classes.slice(1, 1 + colours.length);
  const fill = ['step', ['coalesce', ['feature-state','v'], -1], '#ffffcc',
    ...edges.flatMap((edge, i) => [edge, colours[i]])];
  map.addSource('shapes', {type:'geojson', data:shapes, promoteId:'id'});
  map.addLayer({id:'value', type:'fill', source:'shapes', paint:{'fill-color': fill}});
  map.once('idle', () => { window.ready = true; });
});
</script>"""
OURS = """([period, step]) => new Promise((done) => {
  const map = document.querySelector('[data-testid=map]');
  const slider = document.querySelector('input[type=range]');
  const began = performance.now();
  const watch = new MutationObserver(() => {
    if (!map.dataset.drawn.includes(period)) return;
    watch.disconnect();
    done(performance.now() - began);
  });
  watch.observe(map, {attributes: true, attributeFilter: ['data-drawn']});
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
  set.call(slider, String(Number(slider.value) + step));
  slider.dispatchEvent(new Event('input', {bubbles: true}));
})"""


def serve_bare(route: Route) -> None:
    """The bare page and MapLibre's own files, at our origin so that it may ask our API."""
    name = route.request.url.split("/bare/")[1]
    if name == "":
        route.fulfill(body=BARE, content_type="text/html")
        return
    file = ROOT / "frontend" / "node_modules" / "maplibre-gl" / "dist" / name
    kind = "text/css" if name.endswith("css") else "text/javascript"
    route.fulfill(body=Path(file).read_bytes(), content_type=kind)


def periods(step: int) -> list[str]:
    """The months met on the way, every `step` of them; at most two years' worth."""
    return MONTHS[::step][:24]


def bare_milliseconds(page: Page, step: int) -> list[float]:
    """Each period after the first, on the bare page."""
    page.route("**/bare/*", serve_bare)
    page.goto(f"{URL}/bare/")
    page.wait_for_function("window.ready === true", timeout=60_000)
    return [page.evaluate("(p) => window.question(p)", p) for p in periods(step)[1:]]


def our_milliseconds(page: Page, step: int) -> list[float]:
    """Each period after the first, on our map, by its slider; the next one is asked for when this
    one stands and nothing is under way, as a reader would."""
    first, *later = periods(step)
    page.goto(f"{URL}/?indicator=deaths_total_monthly&period={first}")
    page.wait_for_function(
        "p => document.querySelector('[data-testid=map]')?.dataset.drawn?.includes(p)",
        arg=first,
        timeout=60_000,
    )
    spent = []
    for period in later:
        page.wait_for_load_state("networkidle")
        spent.append(page.evaluate(OURS, [period, step]))
    return spent


def beside(browser: Browser, name: str, step: int) -> Line:
    """Both pages over the same periods, by turns."""
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(2):
        for measure, into in ((our_milliseconds, ours), (bare_milliseconds, bare)):
            page = browser.new_page(viewport=VIEW)
            into += measure(page, step)
            page.close()
    a, b = statistics.median(ours), statistics.median(bare)
    return Line(f"{name} on the map / bare MapLibre page", a, b, "ms", a / b, 2.0)


def weigh(page: Page) -> tuple[dict[str, float], Any]:
    """Kilobytes over the wire of everything `page` asks for, by kind; filled as it goes."""
    weights = {"script": 0.0, "maplibre": 0.0, "data": 0.0}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    urls: dict[str, str] = {}

    def seen(event: dict[str, Any]) -> None:
        urls[event["requestId"]] = event["response"]["url"]

    def done(event: dict[str, Any]) -> None:
        url, size = urls.get(event["requestId"], ""), event["encodedDataLength"] / 1000
        if "/v1/" in url:
            weights["data"] += size
        elif ".js" in url or ".mjs" in url:
            map_library = "engine" in url or "maplibre" in url
            weights["maplibre" if map_library else "script"] += size

    session.on("Network.responseReceived", seen)
    session.on("Network.loadingFinished", done)
    return weights, session


def main() -> bool:
    """Measure and report."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM_PATH", "/usr/bin/chromium"), args=FLAGS
        )
        lines = [
            beside(browser, "next period", STEP),
            beside(browser, f"{JUMP} months on,", JUMP),
        ]
        page = browser.new_page(viewport=VIEW)
        weights, _session = weigh(page)
        page.goto(f"{URL}/")
        page.wait_for_function(
            "() => document.querySelector('[data-testid=map]')?.dataset.drawn", timeout=60_000
        )
        browser.close()
    return report(
        "map",
        [
            *lines,
            Line(
                "script before MapLibre, over the wire",
                weights["script"],
                300,
                "kB",
                weights["script"] / 300,
                1.0,
            ),
        ],
        {
            "all data of the first screen, kB": round(weights["data"], 1),
            "MapLibre, kB": round(weights["maplibre"], 1),
        },
    )


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
