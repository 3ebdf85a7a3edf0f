// What `just bench-images` asks of sharp: a JSON object a line, answered with one.
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';

sharp.concurrency(1);
sharp.cache(false);
const photograph = readFileSync(process.argv[2]);
const made = join(tmpdir(), `assetmill-bench-${process.pid}`);

const work = ({ format, ...options }) =>
  sharp(photograph).autoOrient().resize(800, 600, { fit: 'inside' }).toFormat(format, options).toBuffer();

if (process.argv[3]) {
  await work(JSON.parse(process.argv[3]));
  console.log(process.resourceUsage().maxRSS);
} else {
  for await (const line of createInterface({ input: process.stdin })) {
    const question = JSON.parse(line);
    const began = performance.now();
    let content;
    if (question.run) {
      content = await work(question.run);
    } else if (question.decode) {
      content = await sharp(question.decode).png().toBuffer();
    } else {
      const whole = { fit: 'inside', kernel: 'lanczos3', fastShrinkOnLoad: false };
      const raw = await sharp(photograph).autoOrient().png({ compressionLevel: 1 }).toBuffer();
      content = await sharp(raw).resize(800, 600, whole).png().toBuffer();
    }
    const milliseconds = performance.now() - began;
    writeFileSync(made, content);
    console.log(JSON.stringify({ milliseconds, file: made }));
  }
}
