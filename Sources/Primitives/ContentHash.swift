/// 64-bit FNV-1a (Fowler, Noll, Vo), for telling whether two contents are equal. Texts and byte
/// counts go before what they bound, so that no two contents run together to the same bytes.
package struct ContentHash {
    package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    package init() {}

    package mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01b3
    }

    package mutating func add(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            add(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    package mutating func add(_ bytes: [UInt8]) {
        add(UInt64(bytes.count))
        for byte in bytes { add(byte) }
    }

    package mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        text.withBytes { bytes in
            for byte in bytes { add(byte) }
        }
    }

    package mutating func add(_ text: String?) {
        add(UInt8(text == nil ? 0 : 1))
        if let text { add(text) }
    }

    package mutating func add(_ function: FunctionName) {
        add(function.namespace)
        add(function.id)
    }
}
