// Each client hears of the newest revision again after each kind of disturbance, without a call of its user.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clients } from './clients.mjs';
import { Proxy, Server } from './server.mjs';

/// A bound for a test that would wait forever; no test measures a time.
const TIMEOUT_MS = 60_000;

const disturbances = {
    'a graceful restart': async ({ server }) => {
        await server.end('SIGTERM');
        await server.start();
    },
    'a kill': async ({ server }) => {
        await server.end('SIGKILL');
        await server.start();
    },
    'a reset connection': ({ proxy }) => proxy.reset(),
    'a stalled connection': ({ proxy }) => proxy.stall(),
};

/// Collects what a subscription hears.
class Heard {
    revisions = [];
    waiting = [];

    next = (revision) => {
        this.revisions.push(revision);
        this.waiting = this.waiting.filter(({ least, resolve }) => revision < least || resolve());
    };

    fail = (cause) => this.waiting.forEach(({ reject }) => reject(new Error('it ended', { cause })));

    /// Resolves once it has heard of this revision, or a later one.
    upTo(least) {
        if (this.revisions.some((revision) => revision >= least)) return Promise.resolve();
        return new Promise((resolve, reject) => this.waiting.push({ least, resolve, reject }));
    }
}

for (const [name, subscribe] of Object.entries(clients)) {
    for (const [what, disturb] of Object.entries(disturbances)) {
        test(`${name} subscribes again after ${what}`, { timeout: TIMEOUT_MS }, async () => {
            const server = new Server();
            await server.start();
            const proxy = new Proxy(server);
            await proxy.start();
            const heard = new Heard();
            const stop = subscribe(proxy.url, server.token, heard.next, heard.fail);
            try {
                await heard.upTo(await server.commit());
                for (let round = 0; round < 2; round++) {
                    await disturb({ server, proxy });
                    await heard.upTo(await server.commit());
                    // The second commit comes over the subscription that was made again, not with its first event.
                    await heard.upTo(await server.commit());
                }
                const sorted = [...heard.revisions].sort((one, other) => one - other);
                assert.deepEqual(heard.revisions, sorted, 'revisions never go back');
            } finally {
                await stop();
                proxy.close();
                await server.close();
            }
        });
    }
}
