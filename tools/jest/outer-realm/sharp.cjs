module.exports = globalThis.requireInOuterRealm('sharp');
