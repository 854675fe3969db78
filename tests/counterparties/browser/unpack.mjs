// Unpacks Chromium, its libraries and fonts out of the npm package @sparticuz/chromium into a folder.
//
//   node unpack.mjs FOLDER
//
// FOLDER/arguments.json then holds what the package starts it with. It unpacks its libraries only where it takes the
// machine for AWS Lambda, which is what the variable is for; nothing else of the machine is asked or changed.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const folder = resolve(process.argv[2]);
rmSync(folder, { recursive: true, force: true }); // what was unpacked by halves would be taken for whole
mkdirSync(folder, { recursive: true });
process.env.TMPDIR = folder;
process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs20.x';

const { default: chromium } = await import('@sparticuz/chromium');
await chromium.executablePath();
writeFileSync(`${folder}/arguments.json`, JSON.stringify(chromium.args));
// Its own file names folders of AWS Lambda; without a font there is no text.
writeFileSync(
  `${folder}/fonts/fonts.conf`,
  `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/fonts-cache</cachedir></fontconfig>`,
);
