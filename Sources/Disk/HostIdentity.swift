/// The machine that this process runs on.
package enum HostIdentity {
    /// A name that the kernel made when it started, and shares with no other (random(4)); nil where
    /// it tells none.
    package static var boot: String? {
        do throws(SystemError) {
            let bytes = try SmallFile.read("/proc/sys/kernel/random/boot_id", limit: 64)
            let text = bytes.prefix { $0 != UInt8(ascii: "\n") }
            return bytes.isEmpty ? nil : String(decoding: text, as: UTF8.self)
        } catch {
            return nil
        }
    }
}
