"use strict";
const model = JSON.parse(document.getElementById("model").textContent);
/* Elements, and pictures of bits: a canvas with a cell for each. */

function element(tag, fields = {}, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(fields))
        if (key in made && key !== "role") made[key] = value;
        else made.setAttribute(key, value);
    made.append(...children);
    return made;
}

const byId = (id) => document.getElementById(id);
const counted = (value) => value.toLocaleString("en");
const plural = (count, what) => counted(count) + " " + what + (count === 1 ? "" : "s");

/** A name as it can be shown: signs that are not seen are told by their numbers, and long names are cut. */
function shown(name) {
    const escaped = (sign) => "\\u{" + sign.codePointAt(0).toString(16) + "}";
    const text = String(name).replace(/[\p{C}\u2028\u2029]/gu, escaped);
    const cut = text.length > 80 ? text.slice(0, 79) + "\u2026" : text;
    return cut.trim() === "" ? "(no name)" : cut;
}

/** Numbers that stand in the page as bytes in base64. */
function unpacked({ type, data }) {
    const kind = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array }[type];
    return new kind(bytesOf(data).buffer);
}

function bytesOf(base64) {
    return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
}

/** The colours of the page as it looks now, as red, green and blue. */
const theme = {};
function readTheme() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["on", "off", "ink", "paper", "focus"]) {
        const hex = style.getPropertyValue("--" + name).trim();
        theme[name] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    }
}
readTheme();

/** A picture of bits, row by row: `draw(bit)` asks for each cell whether it is 1, 0, or (null) nothing. */
class Cells {
    constructor(width, height, cell, label) {
        Object.assign(this, { width, height, cell });
        this.canvas = element("canvas", { width: width * cell, height: height * cell, role: "img" });
        this.canvas.setAttribute("aria-label", label);
        this.context = this.canvas.getContext("2d");
        this.image = this.context.createImageData(width * cell, height * cell);
    }
    draw(colour) {
        const { width, height, cell, image } = this, gap = cell > 2 ? 1 : 0, line = width * cell;
        for (let y = 0; y < height; y++)
            for (let x = 0; x < width; x++) {
                const found = colour(y * width + x);
                for (let dy = 0; dy < cell; dy++)
                    for (let dx = 0; dx < cell; dx++) {
                        const at = 4 * ((y * cell + dy) * line + x * cell + dx);
                        const empty = found === null || dx >= cell - gap || dy >= cell - gap;
                        for (let c = 0; c < 3; c++) image.data[at + c] = empty ? 0 : found[c];
                        image.data[at + 3] = empty ? 0 : 255;
                    }
            }
        this.context.putImageData(image, 0, 0);
    }
}

/** Rows of cells for the LUTs of a level, with a line of text below. */
class Level {
    constructor(name, count) {
        Object.assign(this, { name, count });
        const width = Math.min(256, Math.max(32, Math.ceil(Math.sqrt(4 * count))));
        this.cells = new Cells(width, Math.ceil(count / width), count > 6000 ? 2 : 5, name);
        this.caption = element("figcaption");
        this.figure = element("figure", {}, this.cells.canvas, this.caption);
    }
    draw(values, from) {
        const ones = onesOf(values, from, this.count);
        this.caption.textContent = this.name + ": " + counted(ones) + " of " + plural(this.count, "LUT") + " give 1";
        this.cells.canvas.setAttribute("aria-label", this.caption.textContent);
        this.cells.draw((i) => (i >= this.count ? null : values[from + i] ? theme.on : theme.off));
    }
}

/** All levels of a deep circuit in one picture: columns from left to right, one or more for each level. */
class Levels {
    constructor(counts) {
        const usual = [...counts].sort((a, b) => a - b)[Math.floor(0.95 * counts.length)];
        const height = Math.min(96, Math.max(12, usual));
        const width = counts.reduce((sum, count) => sum + Math.ceil(count / height), 0);
        this.places = new Int32Array(width * height).fill(-1); // the LUT of each cell
        this.total = 0;
        let column = 0;
        for (const count of counts) {
            for (let i = 0; i < count; i++)
                this.places[(i % height) * width + column + Math.floor(i / height)] = this.total + i;
            column += Math.ceil(count / height);
            this.total += count;
        }
        this.name = "All " + plural(counts.length, "level") + ", from left to right";
        this.cells = new Cells(width, height, width > 200 ? 3 : 5, this.name);
        this.caption = element("figcaption");
        this.figure = element("figure", {}, this.cells.canvas, this.caption);
    }
    draw(values) {
        const ones = counted(onesOf(values, 0, this.total));
        const text = this.name + ": " + ones + " of " + plural(this.total, "LUT") + " give 1";
        this.caption.textContent = text;
        this.cells.canvas.setAttribute("aria-label", text);
        this.cells.draw((i) => (this.places[i] < 0 ? null : values[this.places[i]] ? theme.on : theme.off));
    }
}

function onesOf(values, from, count) {
    let ones = 0;
    for (let i = from; i < from + count; i++) ones += values[i];
    return ones;
}
