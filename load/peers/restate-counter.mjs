// The counter as a virtual object of Restate: `node restate-counter.mjs <port>`.
Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};
const restate = await import('@restatedev/restate-sdk');

const counter = restate.object({
  name: 'counter',
  handlers: {
    add: async (ctx, by) => {
      const total = ((await ctx.get('total')) ?? 0) + by;
      ctx.set('total', total);
      return total;
    },
  },
});
await restate.endpoint().bind(counter).listen(Number(process.argv[2]));
