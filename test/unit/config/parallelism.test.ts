import assert from 'node:assert/strict';
import { availableParallelism as processorsAllowed } from 'node:os';
import { test } from 'node:test';
import { availableParallelism, parallelismWithin, resolveWorkers } from '#src/config/parallelism.js';

const within = (processors: number, files: Record<string, string>): number => parallelismWithin(processors, (path) => files[path] ?? null);

test('without control groups it is the number of processors', () => {
  assert.equal(within(8, {}), 8);
  assert.equal(within(8, { '/proc/self/cgroup': '' }), 8);
});

test('v2: a quota counts, rounded up', () => {
  const inside = (max: string): number => within(8, { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': max });
  assert.equal(inside('200000 100000\n'), 2);
  assert.equal(inside('150000 100000\n'), 2);
  assert.equal(inside('50000 100000\n'), 1);
  assert.equal(inside('1000 100000\n'), 1);
  assert.equal(inside('1600000 100000\n'), 8);
  assert.equal(inside('max 100000\n'), 8);
});

test('v2: the tightest quota on the way to the root counts', () => {
  const files = {
    '/proc/self/cgroup': '0::/system.slice/grpcserverd.service\n',
    '/sys/fs/cgroup/system.slice/grpcserverd.service/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/system.slice/cpu.max': '300000 100000\n',
  };
  assert.equal(within(8, files), 3);
  assert.equal(within(8, { ...files, '/sys/fs/cgroup/system.slice/grpcserverd.service/cpu.max': '200000 100000\n' }), 2);
});

test('v2: a path out of sight, as in a container, leaves the root', () => {
  assert.equal(within(8, { '/proc/self/cgroup': '0::/../../host.slice\n', '/sys/fs/cgroup/cpu.max': '400000 100000\n' }), 4);
});

test('v1: quota and period are two files, and -1 is no quota', () => {
  const inside = (quota: string): number =>
    within(8, {
      '/proc/self/cgroup': '12:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n',
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': quota,
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    });
  assert.equal(inside('250000\n'), 3);
  assert.equal(inside('-1\n'), 8);
});

test('v1: the quota of the own group is found, also where only the link "cpu" is mounted', () => {
  const files = {
    '/proc/self/cgroup': '4:cpu,cpuacct:/docker/abc\n',
    '/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us': '100000\n',
    '/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us': '100000\n',
  };
  assert.equal(within(8, files), 1);
});

test('files that hold nonsense change nothing', () => {
  for (const text of ['', 'x y', '0 0', '-5 100000']) {
    assert.equal(within(8, { '/proc/self/cgroup': '0::/\nnonsense', '/sys/fs/cgroup/cpu.max': text }), 8, text);
  }
});

test('of this process it is at least one, and never more than its processors', () => {
  assert.ok(availableParallelism() >= 1);
  assert.ok(availableParallelism() <= processorsAllowed());
});

test('auto workers are as many as can run at once; a number is that number', () => {
  assert.equal(resolveWorkers({ maxWorkers: 'auto' }, 6), 6);
  assert.equal(resolveWorkers({ maxWorkers: 3 }, 6), 3);
});
