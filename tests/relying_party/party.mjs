// Signs one person in and says what it learned. Settings are the argument; one line of JSON each way for each step.
import dns from 'node:dns'
import readline from 'node:readline'
import * as client from 'openid-client'

const settings = JSON.parse(process.argv[2])
const lookup = dns.lookup
dns.lookup = (host, options, done) => lookup(host.endsWith('.localhost') ? '127.0.0.1' : host, options, done)

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`)
const failure = async (attempt) => {
  try {
    await attempt()
    return 'it worked'
  } catch (error) {
    return error.error ?? error.message
  }
}

const config = await client.discovery(
  new URL(settings.issuer),
  settings.client_id,
  undefined,
  settings.basic ? client.ClientSecretBasic(settings.secret) : client.ClientSecretPost(settings.secret)
)
const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const nonce = client.randomNonce()
say({
  url: client.buildAuthorizationUrl(config, {
    redirect_uri: settings.redirect_uri,
    scope: 'openid profile email groups offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }).href,
})
const back = new URL((await lines.next()).value)
const tokens = await client.authorizationCodeGrant(config, back, {
  pkceCodeVerifier: verifier,
  expectedState: state,
  expectedNonce: nonce,
  idTokenExpected: true,
})
const claims = tokens.claims()
const about = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
const next = await client.refreshTokenGrant(config, tokens.refresh_token)
const again = await failure(() => client.refreshTokenGrant(config, tokens.refresh_token))
const afterwards = await failure(() => client.refreshTokenGrant(config, next.refresh_token))
say({ claims, about, refreshed: next.claims(), again, afterwards })
process.exit(0)
