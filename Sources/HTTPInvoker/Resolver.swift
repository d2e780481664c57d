import Glibc
package import HTTPFunctions
package import NIOCore
import NIOPosix
import Primitives

/// Turns a name into its addresses, all of them; none where it has none.
package struct Resolver: Sendable {
    package typealias Look =
        @Sendable (NameQuestion, any EventLoop) -> EventLoopFuture<[IPAddress]>

    private let look: Look

    package init(_ look: @escaping Look) { self.look = look }

    func addresses(
        of question: NameQuestion,
        on loop: any EventLoop
    ) -> EventLoopFuture<[IPAddress]> {
        look(question, loop)
    }

    /// The system's own, on threads that may wait: it has no way to ask without waiting.
    package static let system: Resolver = {
        // They run as soon as there is a name to look up, and as long as the process.
        let threads = NIOThreadPool(numberOfThreads: Limits.lookUps)
        let share = Limits.lookUpsOfWorker
        let lookUps = DNSLookups(threads: Limits.lookUps, share: share) { name, done in
            threads.start()
            threads.submit { _ in done(lookUp(name)) }
        }
        return Resolver { lookUps.addresses(of: $0, on: $1) }
    }()

    private static func lookUp(_ name: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var next = list
        while let entry = next {
            if let address = address(entry.pointee), !found.contains(address) {
                found.append(address)
            }
            next = entry.pointee.ai_next
        }
        return found
    }

    /// Read as bytes, where ip(7) and ipv6(7) have them: which module owns the members of
    /// `sockaddr_in` depends on what else a build imports.
    private static func address(_ entry: addrinfo) -> IPAddress? {
        guard let socket = UnsafeRawPointer(entry.ai_addr) else { return nil }
        let (offset, count) =
            switch entry.ai_family {
            case AF_INET: (4, 4)
            case AF_INET6: (8, 16)
            default: (0, 0)
            }
        guard count > 0, Int(entry.ai_addrlen) >= offset + count else { return nil }
        return IPAddress(bytes: Array(UnsafeRawBufferPointer(start: socket + offset, count: count)))
    }

    /// The addresses of this machine's own interfaces.
    package static func ownAddresses() -> Set<IPAddress> {
        // Without a list of interfaces nothing can be said about them; private ranges stay blocked.
        let devices = (try? System.enumerateDevices()) ?? []
        return Set(devices.compactMap { $0.address?.ipAddress.flatMap { IPAddress($0) } })
    }
}
