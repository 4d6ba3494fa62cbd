// SPDX-License-Identifier: Apache-2.0
// Written for this project. Each rule states a verdict and, in words for the customer, what it saw.

rule eicar_test_file {
    meta:
        verdict = "malicious"
        says = "The EICAR test file: harmless, but made to be detected."
    strings:
        // The last characters are left to a pattern so that this file itself is not one.
        $eicar = /X5O!P%@AP\[4\\PZX54\(P\^\)7CC\)7\}\$EICAR-STANDARD-ANTIVIRUS-TEST-FIL[E]!\$H\+H\*/
    condition:
        $eicar in (0..64)
}

rule gtube_test_mail {
    meta:
        verdict = "suspicious"
        says = "The GTUBE text: a test mail for spam filters."
    strings:
        $gtube = /XJS\*C4JDBQADN1\.NSBN3\*2IDNEN\*GTUBE-STANDARD-ANTI-UBE-TEST-EMAI[L]\*C\.34X/
    condition:
        $gtube
}
