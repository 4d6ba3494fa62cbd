// SPDX-License-Identifier: Apache-2.0

rule shortcut_starts_an_interpreter {
    meta:
        verdict = "suspicious"
        says = "A shortcut that does not open a document but starts a command interpreter."
    strings:
        $powershell = "powershell" nocase ascii wide
        $cmd = /c\x00?m\x00?d\x00?(\.\x00?e\x00?x\x00?e\x00?)?[ \x00]{1,8}\/\x00?[ck]/ nocase
        $mshta = "mshta" nocase ascii wide
        $wscript = "wscript" nocase ascii wide
        $rundll32 = "rundll32" nocase ascii wide
        $regsvr32 = "regsvr32" nocase ascii wide
    condition:
        uint32(0) == 0x0000004C and uint32(4) == 0x00021401 and any of them
}

rule program_packed_with_upx {
    meta:
        verdict = "unknown"
        says = "A program packed with UPX: not bad in itself, but its content cannot be seen."
    strings:
        $name0 = "UPX0"
        $name1 = "UPX1"
        $mark = "UPX!"
    condition:
        (uint16(0) == 0x5A4D and $name0 in (0..4096) and $name1 in (0..4096)) or (uint32(0) == 0x464C457F and $mark)
}

rule program_injects_into_others {
    meta:
        verdict = "suspicious"
        says = "A program with all that is needed to write code into another program and start it there."
    strings:
        $open = "OpenProcess"
        $alloc = "VirtualAllocEx"
        $write = "WriteProcessMemory"
        $run = "CreateRemoteThread"
        $resources = "LoadLibraryA"
    condition:
        uint16(0) == 0x5A4D and filesize < 2MB and $open and $alloc and $write and $run and $resources
}
