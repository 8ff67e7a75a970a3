// Starts hyperroute with this folder's configuration, in this process.
import { HyperRoute } from 'hyperroute';
import type { StartGateway } from './demo.js';
import { orderGateway } from './router.config.js';

/** The router that the demo tries unless it is given another one. */
export const startGateway: StartGateway = async ({ host, venuePorts }, signal) => {
  const config = orderGateway({ host, clientPort: 0, venuePorts });
  const router = await HyperRoute.start(config, { signal });
  const clients = router.endpoints().find(({ name }) => name === 'clients');
  return {
    clientPort: Number(clients?.address?.split(':').at(-1)),
    latency: () => router.metrics().latency,
    close: () => router.close(),
  };
};
