//! Signatures of JWTs, verified by `ring`.
//!
//! Invariant: a signature is verified with the algorithm of the token only if the key is of the algorithm's type.
//!
//! `jsonwebtoken` parses tokens and keys, and could verify them through a crypto provider. A provider is chosen once for the
//! whole process, which is not for a library to do, and the providers that it ships bring a second set of RSA and curve
//! crates, which take a minute to compile. `ring` comes with TLS.

use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

/// How `ring` verifies an algorithm.
enum Scheme {
    Rsa(&'static RsaParameters),
    Curve(AlgorithmFamily, &'static dyn VerificationAlgorithm),
}

/// `None` for algorithms with a shared secret, which are never accepted, and for unknown ones.
fn scheme(algorithm: Algorithm) -> Option<Scheme> {
    use AlgorithmFamily::{Ec, Ed};
    Some(match algorithm {
        Algorithm::RS256 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => Scheme::Curve(Ec, &ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Scheme::Curve(Ec, &ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Scheme::Curve(Ed, &ED25519),
        _ => return None,
    })
}

/// Whether `signature` is one of `message` by the owner of `key`.
pub(super) fn is_signed(key: &DecodingKey, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    let verified = match (scheme(algorithm), key.kind()) {
        (Some(Scheme::Rsa(parameters)), DecodingKeyKind::RsaModulusExponent { n, e }) => {
            RsaPublicKeyComponents { n: significant(n), e: significant(e) }
                .verify(parameters, message, signature)
        }
        // The same bytes could be a secret, or a point of another curve.
        (Some(Scheme::Curve(family, curve)), DecodingKeyKind::SecretOrDer(point))
            if key.family() == family =>
        {
            UnparsedPublicKey::new(curve, point).verify(message, signature)
        }
        _ => return false,
    };
    verified.is_ok()
}

/// A big-endian number without leading zeros: some identity providers send one, and `ring` refuses it.
pub(super) fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{EncodingKey, Header};
    use rsa::pkcs1::EncodeRsaPrivateKey as _;

    use super::*;

    /// PKCS #8 around a private key of 32 or 48 bytes.
    const ED25519_DER: &[u8] = &[0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20];
    const P256_DER: &[u8] = &[
        0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 8, 0x2A, 0x86, 0x48,
        0xCE, 0x3D, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
    ];
    const P384_DER: &[u8] = &[
        0x30, 0x4E, 2, 1, 0, 0x30, 0x10, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 5, 0x2B, 0x81, 4, 0,
        0x22, 4, 0x37, 0x30, 0x35, 2, 1, 1, 4, 0x30,
    ];

    struct Pair {
        secret: EncodingKey,
        public: DecodingKey,
        algorithms: &'static [Algorithm],
    }

    impl Pair {
        fn new(secret: EncodingKey, algorithms: &'static [Algorithm]) -> Self {
            let jwk = Jwk::from_encoding_key(&secret, algorithms[0]).unwrap();
            Self { secret, public: DecodingKey::from_jwk(&jwk).unwrap(), algorithms }
        }

        fn sign(&self, algorithm: Algorithm) -> Vec<u8> {
            (DEFAULT_PROVIDER.signer_factory)(&algorithm, &self.secret).unwrap().sign(MESSAGE)
        }
    }

    const MESSAGE: &[u8] = b"header.claims";

    fn pairs() -> [Pair; 4] {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let rsa = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        let key = |head: &[u8], length: u8| [head, &(1..=length).collect::<Vec<_>>()].concat();
        [
            Pair::new(
                EncodingKey::from_rsa_der(rsa.to_pkcs1_der().unwrap().as_bytes()),
                &[RS256, RS384, RS512, PS256, PS384, PS512],
            ),
            Pair::new(EncodingKey::from_ec_der(&key(P256_DER, 32)), &[ES256]),
            Pair::new(EncodingKey::from_ec_der(&key(P384_DER, 48)), &[ES384]),
            Pair::new(EncodingKey::from_ed_der(&key(ED25519_DER, 32)), &[EdDSA]),
        ]
    }

    #[test]
    fn each_algorithm_is_verified_by_its_own_key_only() {
        let pairs = pairs();
        for signer in &pairs {
            for &algorithm in signer.algorithms {
                let signature = signer.sign(algorithm);
                let all = pairs.iter().flat_map(|pair| pair.algorithms);
                for (key, &tried) in pairs.iter().flat_map(|key| all.clone().map(move |tried| (key, tried))) {
                    let is_right = std::ptr::eq(key, signer) && tried == algorithm;
                    let verified = is_signed(&key.public, tried, MESSAGE, &signature);
                    assert_eq!(verified, is_right, "signed with {algorithm:?}, tried as {tried:?}");
                }
                assert!(!is_signed(&signer.public, algorithm, b"header.other", &signature));
                assert!(!is_signed(&signer.public, algorithm, MESSAGE, &signature[1..]));
                assert!(!is_signed(&signer.public, algorithm, MESSAGE, b""));
            }
        }
    }

    #[test]
    fn a_shared_secret_verifies_nothing() {
        let signature =
            (DEFAULT_PROVIDER.signer_factory)(&Header::default().alg, &EncodingKey::from_secret(b"s"));
        let signature = signature.unwrap().sign(MESSAGE);
        let secret = DecodingKey::from_secret(b"s");
        for algorithm in [Algorithm::HS256, Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256] {
            assert!(!is_signed(&secret, algorithm, MESSAGE, &signature), "{algorithm:?}");
        }
    }

    #[test]
    fn an_rsa_key_with_leading_zeros_is_the_same_key() {
        let [rsa, ..] = pairs();
        let DecodingKeyKind::RsaModulusExponent { n, e } = rsa.public.kind() else {
            panic!("it is an RSA key")
        };
        let padded = |number: &[u8]| [&[0, 0], number].concat();
        let key = DecodingKey::from_rsa_raw_components(&padded(n), &padded(e));
        assert!(is_signed(&key, Algorithm::PS256, MESSAGE, &rsa.sign(Algorithm::PS256)));
    }
}
