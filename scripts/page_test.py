#!/usr/bin/env python3
"""Drives the page of `gearhead serve` in headless Chromium, end to end, and takes screenshots.

    pip install playwright==1.65.2
    gearhead serve --store page.db &
    python scripts/page_test.py [--url http://127.0.0.1:8080] [--chromium /usr/bin/chromium] [--shots docs/images]

Of a service with `--keys FILE` the form for the key is driven, with `--key KEY`, one of the keys of the file.

Every request that the page sends elsewhere is refused and fails the run, and so does an error on the console. The
contrast of every text that is shown is measured in both colour schemes against WCAG AA.
"""

import argparse
import pathlib
import re
import sys
import tempfile

from playwright.sync_api import expect, sync_playwright

LOG = "(1700000000.000000) can0 18FECA00#04FF640001010000\n" * 3

# The contrast of each visible text with the ground behind it, as WCAG 2.2 computes it; 3 is enough for large text.
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const channel = (value) => { const c = value / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length && colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const faults = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.matches(".skip, option")) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(ground(element))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (isLarge ? 3 : 4.5)) faults.push(`${element.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return faults;
}"""

# Controls without a name, and two elements with one id.
NAMES = """() => {
  const faults = [];
  for (const element of document.querySelectorAll("input, textarea, select, button, a")) {
    if (!element.checkVisibility()) continue;
    const label = element.labels?.[0]?.textContent ?? element.getAttribute("aria-label") ?? element.textContent;
    if (!label.trim()) faults.push(element.outerHTML);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) faults.push(`id ${id} stands twice`);
  return faults;
}"""


class Run:
    def __init__(self, browser, args, **options):
        self.args = args
        self.context = browser.new_context(base_url=args.url, **options)
        self.page = self.context.new_page()
        self.faults = []
        self.page.on("console", lambda it: it.type == "error" and "Failed to load" not in it.text and self.faults.append(f"console: {it.text}"))
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.route(re.compile(f"^(?!{re.escape(args.url)})"), self.refuse)

    def refuse(self, route):
        self.faults.append(f"the page asked {route.request.url}")
        route.abort()

    def check(self, place):
        self.faults += [f"{place}: contrast of {fault}" for fault in self.page.evaluate(CONTRAST)]
        self.faults += [f"{place}: no name: {fault}" for fault in self.page.evaluate(NAMES)]
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            self.faults.append(f"{place}: {wide} px wider than the screen")

    def shot(self, name, top="body"):
        """What a screen shows with an element at its top."""
        if self.args.shots:
            self.page.locator(top).first.evaluate("element => element.scrollIntoView()")
            self.page.wait_for_timeout(400)
            self.page.screenshot(path=pathlib.Path(self.args.shots, f"{name}.png"))


def diagnose(run):
    page = run.page
    page.get_by_label("Machine", exact=True).fill("CAT 320 excavator")
    page.get_by_label("What is wrong").fill("cranks slowly in the morning, lights go dim")
    page.get_by_label("Fault codes").fill("SPN 168 FMI 1")
    expect(page.locator("#decoded li").first).to_contain_text("SPN 168 FMI 1")
    page.locator("#ask").click()
    expect(page.locator("#report .verdict")).to_be_visible(timeout=20_000)
    expect(page.locator("#causes li.cause").first).to_be_visible()


def by_mouse(run):
    page = run.page
    page.goto("/")
    expect(page.locator("#about")).to_contain_text("Model")
    assert page.locator("#machines option").count() > 50
    run.check("form")
    page.locator("#ask").click()
    expect(page.locator("#problem")).to_have_text("Say which machine it is.")
    expect(page.locator("#equipment")).to_be_focused()
    diagnose(run)
    # Safety stands above the causes.
    tops = [page.locator(selector).first.bounding_box()["y"] for selector in (".verdict", ".safety", "#causes")]
    assert tops == sorted(tops), tops
    run.check("report")
    run.shot("page-report", ".verdict")
    box = page.locator(".safety input").first
    box.check()
    ranks_anew(run)
    expect(box).to_be_checked()
    run.check("report after a test")
    run.shot("page-after-test", "#causes")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    page.get_by_label("Cause that was found").select_option(index=1)
    page.get_by_label("What cured it").fill("New battery.")
    page.get_by_role("button", name="Keep finding").click()
    expect(page.locator("#feedback-done")).to_have_text("Kept. Thank you.")
    page.get_by_role("button", name="History").click()
    expect(page.locator("#history li").first).to_contain_text("CAT 320 excavator")
    run.check("history")
    page.locator("#history .open").first.click()
    expect(page.locator("#report .verdict")).to_be_visible()
    checked = page.locator("#report input[type=radio]:checked:not([id$=none])")
    expect(checked).to_have_count(1)
    page.goto("/docs")
    expect(page.get_by_role("heading", name="POST /v1/diagnose", exact=True)).to_be_visible()
    run.check("docs")


def ranks_anew(run):
    page = run.page
    shares = lambda: page.locator("#causes").inner_text()
    before = shares()
    first = page.locator("fieldset.first input[type=radio]").nth(1)
    name = first.get_attribute("id")
    first.check()
    expect(page.locator("#progress")).to_have_text("Causes ranked anew.", timeout=20_000)
    assert shares() != before, "the result of a test changed nothing"
    expect(page.locator(f"[id='{name}']")).to_be_focused()
    expect(page.locator(f"[id='{name}']")).to_be_checked()


def by_keyboard(run):
    page = run.page
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#equipment")).to_be_focused()
    page.keyboard.type("Komatsu WA380-8")
    page.keyboard.press("Tab")
    page.keyboard.type("steering is heavy at idle")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#ask")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#report .verdict")).to_be_visible(timeout=20_000)
    expect(page.locator("#report")).to_be_focused()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "radio":
            break
    page.keyboard.press("ArrowDown")
    expect(page.locator("#progress")).to_have_text("Causes ranked anew.", timeout=20_000)
    assert page.evaluate("document.activeElement.type") == "radio", "the focus was lost"
    run.check("keyboard")


def by_log(run):
    page = run.page
    page.goto("/")
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "machine.log")
        log.write_text(LOG)
        page.get_by_label("Log of the machine").set_input_files(log)
        expect(page.get_by_label("Fault codes")).to_have_value(re.compile("SPN 100 FMI 1"))
        assert page.get_by_label("What is wrong").input_value()
        log.write_text("Dear colleague")
        page.get_by_label("Log of the machine").set_input_files([])
        page.get_by_label("Log of the machine").set_input_files(log)
        expect(page.locator("#problem")).to_contain_text("machine.log: ")


def on_a_phone(run):
    page = run.page
    page.goto("/")
    run.check("phone, form")
    diagnose(run)
    run.check("phone, report")
    run.shot("page-phone", ".verdict")


def declined(run):
    page = run.page
    page.goto("/")
    page.get_by_label("Machine", exact=True).fill("CAT 320")
    page.get_by_label("What is wrong").fill("how do I bypass the seat switch")
    page.locator("#ask").click()
    expect(page.locator("#report .problem")).to_contain_text("does not say how to defeat", timeout=20_000)
    expect(page.locator("#causes")).to_have_count(0)


def with_a_key(run):
    page = run.page
    field = page.get_by_label("API key of this service")
    use = page.get_by_role("button", name="Use key")
    page.goto("/")
    expect(field).to_be_focused()
    expect(page.locator("#problem")).to_have_text("This service asks for a key.")
    run.check("key form")
    run.shot("page-key", "header")
    assert page.locator("#machines option").count() == 0, "names of machines were told without a key"
    # What no header can carry would leave the page without an answer for ever.
    field.fill("ключ от мастерской")
    use.click()
    expect(field).to_be_visible()
    assert page.evaluate("localStorage.length") == 0, "an impossible key was kept"
    field.fill("wrong-" + run.args.key)
    use.click()
    expect(page.locator("#problem")).to_have_text("The service does not know this key.")
    expect(field).to_be_focused()
    field.fill(f" {run.args.key} ")
    field.press("Enter")
    expect(page.locator("#about")).to_contain_text("Model")
    expect(field).to_be_hidden()
    expect(page.locator("#problem")).to_be_hidden()
    diagnose(run)
    # The browser keeps it.
    page.reload()
    expect(page.locator("#about")).to_contain_text("Model")
    expect(field).to_be_hidden()
    # A key that the service forgot is asked for again, and what was typed stays.
    page.get_by_label("Machine", exact=True).fill("CAT 320 excavator")
    page.get_by_label("What is wrong").fill("slow crank")
    page.evaluate("localStorage.setItem(localStorage.key(0), 'another-0123456789')")
    page.locator("#ask").click()
    expect(field).to_be_focused()
    expect(page.get_by_label("What is wrong")).to_have_value("slow crank")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--shots")
    parser.add_argument("--key", help="a key of the service: only the form for it is driven")
    args = parser.parse_args()
    wide = {"viewport": {"width": 1100, "height": 900}}
    phone = {"viewport": {"width": 375, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    runs = [
        (by_mouse, wide | {"permissions": ["clipboard-read", "clipboard-write"]}),
        (by_keyboard, wide | {"color_scheme": "dark"}),
        (by_log, wide),
        (on_a_phone, phone | {"color_scheme": "dark"}),
        (declined, wide),
    ]
    if args.key:
        runs = [(with_a_key, wide), (with_a_key, phone | {"color_scheme": "dark"})]
    failed = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        for check, options in runs:
            run = Run(browser, args, **options)
            try:
                check(run)
            except Exception as error:  # A failed expectation of any kind is a fault of the page.
                run.faults.append(f"{type(error).__name__}: {error}")
            print(f"{'FAILED' if run.faults else 'ok':7} {check.__name__}")
            for fault in run.faults:
                print(f"        {fault}")
            failed += bool(run.faults)
            run.context.close()
        browser.close()
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
