const bare = process.argv[2]==='bare';
import grpc from '@grpc/grpc-js';
import { startRig, invoke, KINDS } from './build/test/support/call-rig.js';
import { installFaultHandlers } from './dist/worker/calls/faults.js';
if(bare){process.on('uncaughtException', e=>console.log('   UNCAUGHT', String(e)));
process.on('unhandledRejection', e=>console.log('   UNHANDLED', String(e)));}
else installFaultHandlers({onFault:f=>console.log('   FAULT',f.kind,String(f.error),f.call?.path)});
async function tryit(name, kind, handler, opts={}) {
  let rig;
  if (bare) {
    const {SERVICE}=await import('./build/test/support/call-rig.js');
    const server=new grpc.Server(); server.addService(SERVICE,{[kind]:handler});
    const port=await new Promise(r=>server.bindAsync('127.0.0.1:0',grpc.ServerCredentials.createInsecure(),(e,p)=>r(p)));
    rig={client:new grpc.Client('127.0.0.1:'+port,grpc.credentials.createInsecure()),faults:[],close(){this.client.close();server.forceShutdown()}};
  } else rig=await startRig({handlers:{[kind]:handler}});
  const out=await invoke(rig.client,kind,{deadline:800,...opts});
  console.log(name.padEnd(44), kind.padEnd(12), grpc.status[out.code], JSON.stringify(out.details), JSON.stringify(out.messages), rig.faults.map(f=>f.code+':'+f.error.split('\n')[0]));
  if(!bare&&rig.registry.inFlight!==0) {await new Promise(r=>setTimeout(r,50)); console.log('   IN FLIGHT',rig.registry.inFlight)}
  rig.close();
}
const tick=(ms=5)=>new Promise(r=>setTimeout(r,ms));
for (const kind of ['serverStream','bidi']) {
  await tryit('ok',kind,(c)=>{c.write({a:1});c.end()});
  await tryit('throw',kind,(c)=>{c.write({a:1});throw new Error('x')});
  await tryit('reject',kind,async(c)=>{c.write({a:1});await tick();throw new Error('x')});
  await tryit('reject status',kind,async(c)=>{c.write({a:1});throw {code:5,details:'nf'}});
  await tryit('destroy(err)',kind,(c)=>{c.destroy(new Error('secret'))});
  await tryit('destroy(status)',kind,(c)=>{c.destroy(Object.assign(new Error('m'),{code:5,details:'d'}))});
  await tryit('destroy()',kind,(c)=>{c.destroy()});
  await tryit('later destroy()',kind,(c)=>{setTimeout(()=>c.destroy(),5)});
  await tryit('async destroy()',kind,async(c)=>{await tick();c.destroy()});
  await tryit('write then destroy(err)',kind,(c)=>{c.write({a:1});c.destroy(new Error('x'))});
  await tryit('write after end',kind,(c)=>{c.end();c.write({a:1})});
  await tryit('write,end,write',kind,(c)=>{c.write({a:1});c.end();c.write({a:2})});
  await tryit('end twice',kind,(c)=>{c.write({a:1});c.end();c.end()});
  await tryit('emit error plain',kind,(c)=>{c.write({a:1});c.emit('error',new Error('secret'))});
  await tryit('emit error status',kind,(c)=>{c.write({a:1});c.emit('error',{code:5,details:'nf'})});
  await tryit('write(null)',kind,(c)=>{c.write(null)});
  await tryit('write(undefined)',kind,(c)=>{c.write(undefined);c.end()});
  await tryit('end then throw',kind,(c)=>{c.write({a:1});c.end();throw new Error('late')});
  await tryit('end then reject later',kind,async(c)=>{c.write({a:1});c.end();await tick(20);throw new Error('late')});
  await tryit('throw in timer',kind,(c)=>{setTimeout(()=>{throw new Error('t')},5)});
}
for (const kind of ['bidi']) {
  await tryit('for await, end',kind,async(c)=>{for await(const m of c)c.write(m);c.end()},{send:[1,2,3]});
  await tryit('for await, slow end',kind,async(c)=>{for await(const m of c)c.write(m);await tick(20);c.write('x');c.end()},{send:[1,2,3]});
  await tryit('for await break, end',kind,async(c)=>{for await(const m of c)break;c.write('x');c.end()},{send:[1,2,3]});
  await tryit('for await return',kind,async(c)=>{for await(const m of c)return},{send:[1,2,3]});
  await tryit('for await throw status',kind,async(c)=>{for await(const m of c)throw {code:5,details:'nf'}},{send:[1,2,3]});
  await tryit('for await throw plain',kind,async(c)=>{for await(const m of c)throw new Error('plain')},{send:[1,2,3]});
}
for (const kind of ['clientStream']) {
  await tryit('for await, cb',kind,async(c,cb)=>{let n=0;for await(const m of c)n++;cb(null,n)},{send:[1,2,3]});
  await tryit('for await break, cb',kind,async(c,cb)=>{for await(const m of c)break;cb(null,'ok')},{send:[1,2,3]});
  await tryit('for await break, slow cb',kind,async(c,cb)=>{for await(const m of c)break;await tick(30);cb(null,'ok')},{send:[1,2,3]});
  await tryit('for await throw status',kind,async(c,cb)=>{for await(const m of c)throw {code:5,details:'nf'}},{send:[1,2,3]});
  await tryit('for await return value',kind,async(c,cb)=>{for await(const m of c);return 5},{send:[1,2,3]});
  await tryit('destroy(err)',kind,(c,cb)=>{c.destroy(new Error('x'))});
  await tryit('destroy(err) then cb',kind,(c,cb)=>{c.destroy(new Error('x'));cb(null,'ok')});
  await tryit('destroy()',kind,(c,cb)=>{c.destroy()});
  await tryit('end()',kind,(c,cb)=>{c.end()});
  await tryit('throw in data listener',kind,(c,cb)=>{c.on('data',()=>{throw new Error('in data')})});
  await tryit('throw in end listener',kind,(c,cb)=>{c.on('data',()=>{});c.on('end',()=>{throw new Error('in end')})});
  await tryit('reject in data listener',kind,(c,cb)=>{c.on('data',async()=>{await tick();throw new Error('in data')})});
}
for (const kind of ['unary','clientStream']) {
  await tryit('ok',kind,(c,cb)=>cb(null,'ok'));
  await tryit('sync throw',kind,(c,cb)=>{throw new Error('x')});
  await tryit('sync throw status',kind,(c,cb)=>{throw {code:7,details:'no'}});
  await tryit('reject',kind,async(c,cb)=>{await tick();throw new Error('x')});
  await tryit('return value',kind,async(c,cb)=>'v');
  await tryit('cb twice',kind,(c,cb)=>{cb(null,1);cb(null,2)});
  await tryit('cb ok then err',kind,(c,cb)=>{cb(null,1);cb(new Error('late'))});
  await tryit('throw after cb',kind,(c,cb)=>{cb(null,1);throw new Error('late')});
  await tryit('cb code 0',kind,(c,cb)=>{cb({code:0})});
  await tryit('cb code 99',kind,(c,cb)=>{cb({code:99,details:'x'})});
  await tryit('cb string',kind,(c,cb)=>{cb('boo')});
  await tryit('cb plain',kind,(c,cb)=>{cb(new Error('secret'))});
  await tryit('cb null,null',kind,(c,cb)=>{cb(null,null)});
  await tryit('cb()',kind,(c,cb)=>{cb()});
  await tryit('emit error',kind,(c,cb)=>{c.emit('error',new Error('secret'))});
  await tryit('throw in timer',kind,(c,cb)=>{setTimeout(()=>{throw new Error('x')},5)});
  await tryit('lone surrogate later',kind,(c,cb)=>{setTimeout(()=>cb({code:5,details:'a\ud800b'}),5)});
  await tryit('bad trailer',kind,(c,cb)=>{cb(null,1,{a:1})});
  await tryit('80k details',kind,(c,cb)=>{cb({code:5,details:'x'.repeat(80000)})});
  await tryit('80k metadata',kind,(c,cb)=>{const m=new grpc.Metadata();m.set('a','x'.repeat(80000));c.sendMetadata(m);cb(null,1)});
  await tryit('connection trailer',kind,(c,cb)=>{const m=new grpc.Metadata();m.set('connection','x');cb(null,1,m)});
  await tryit('call.end()',kind,(c,cb)=>{c.end()});
}
process.exit(0)
