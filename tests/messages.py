"""Messages of kube-scheduler and of the kubelet, each with the code that it must get.

What our own clusters show is recorded in ``tests/data/pods``; these are also of other releases of Kubernetes and
of other container runtimes.
"""

from __future__ import annotations

from launcher.core.catalogue import Code

__all__ = ["EVENTS", "NOT_FOUND", "SCHEDULER", "WAITING"]

CONTROL_PLANE = "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"
# (message of condition PodScheduled, code)
SCHEDULER = [
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 Insufficient cpu. preemption: 0/3 ...",
        Code.INSUFFICIENT_RESOURCES,
    ),
    ("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", Code.INSUFFICIENT_RESOURCES),
    ("0/1 nodes are available: 1 Insufficient nvidia.com/mig-1g.5gb.", Code.INSUFFICIENT_RESOURCES),
    (f"0/3 nodes are available: {CONTROL_PLANE}, 2 Too many pods.", Code.INSUFFICIENT_RESOURCES),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 1 Insufficient memory, 1 node(s) didn't match Pod's node affinity/selector.",
        Code.INSUFFICIENT_RESOURCES,
    ),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 node(s) didn't match Pod's node affinity/selector.",
        Code.NO_MATCHING_NODE,
    ),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 node(s) had untolerated taint {{team: a}}.",
        Code.TAINT_NOT_TOLERATED,
    ),
    (
        "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
        Code.NODE_NOT_READY,
    ),
    ("0/1 nodes are available: 1 node(s) were unschedulable.", Code.NODE_NOT_READY),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 node(s) didn't match pod anti-affinity rules.",
        Code.POD_CONSTRAINT,
    ),
    (
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
        Code.POD_CONSTRAINT,
    ),
    (
        "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
        Code.VOLUME_UNBOUND,
    ),
    ('0/3 nodes are available: persistentvolumeclaim "nope" not found. not found', Code.PVC_MISSING),
    ("0/1 nodes are available: 1 node(s) had volume node affinity conflict.", Code.VOLUME_ZONE_CONFLICT),
    (
        "0/4 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity, 2 node(s) had untolerated taint(s).",
        Code.VOLUME_ZONE_CONFLICT,
    ),
    (
        "0/4 nodes are available: 4 node(s) didn't satisfy plugin(s) [NodeAffinity].",
        Code.NO_MATCHING_NODE,
    ),
    (
        "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 node(s) didn't satisfy plugin(s) [NodeAffinity].",
        Code.TAINT_NOT_TOLERATED,
    ),
    ("no nodes available to schedule pods", Code.INSUFFICIENT_RESOURCES),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 node(s) exceed max volume count.",
        Code.INSUFFICIENT_RESOURCES,
    ),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 cannot allocate all claims. still not schedulable, preemption: 0/3 nodes are available: ...",
        Code.DEVICES_UNAVAILABLE,
    ),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod.",
        Code.VOLUME_IN_USE,
    ),
    ("waiting for minCount pods from a gang to be scheduled", Code.GANG_INCOMPLETE),
    (
        "pod group is unschedulable, minCount (3) cannot be satisfied: 1 scheduled, 1 remaining",
        Code.GANG_INCOMPLETE,
    ),
    ("waiting for the preemption for this pod to be finished", Code.NOMINATED),
    (
        '0/3 nodes are available: pod "fl/job-1": ResourceClaim not created yet.',
        Code.RESOURCE_CLAIM_PENDING,
    ),
    (
        "0/3 nodes are available: resource claim gpu is in the process of being allocated.",
        Code.RESOURCE_CLAIM_PENDING,
    ),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 disk.example.com CSI driver is not installed on the node.",
        Code.DRIVER_MISSING,
    ),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 node(s) had unknown conditions.",
        Code.NODE_NOT_READY,
    ),
    (
        '0/3 nodes are available: waiting for ephemeral volume controller to create the persistentvolumeclaim "job-1-scratch".',
        Code.VOLUME_UNBOUND,
    ),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 looking up PVC fl/data: not found.",
        Code.VOLUME_UNBOUND,
    ),
    (
        "0/3 nodes are available: request gpu: device class none.example.com does not exist. no new claims to deallocate, preemption: 0/3 nodes are available: ...",
        Code.RESOURCE_CLAIM_MISSING,
    ),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 node(s) didn't match Pod's required features.",
        Code.FEATURE_MISSING,
    ),
    ("0/3 nodes are available: pod affinity terms conflict.", Code.NO_MATCHING_NODE),
    # one plugin: neither "(s)" nor brackets
    ("0/4 nodes are available: 4 node(s) didn't satisfy plugin NodeAffinity.", Code.NO_MATCHING_NODE),
    ("something nobody has seen", Code.UNSCHEDULABLE),
    ("", Code.UNSCHEDULABLE),
]
NOT_FOUND = 'rpc error: code = NotFound desc = failed to pull and unpack image "r/x:1": failed to resolve reference "r/x:1": r/x:1: not found'
# (waiting reason, message, code)
WAITING = [
    ("ErrImagePull", NOT_FOUND, Code.IMAGE_NOT_FOUND),
    ("ImagePullBackOff", f'Back-off pulling image "r/x:1": ErrImagePull: {NOT_FOUND}', Code.IMAGE_NOT_FOUND),
    (
        "ErrImagePull",
        "pulling from host r failed with status code [manifests 1]: 401 Unauthorized",
        Code.IMAGE_AUTH,
    ),
    (
        "ErrImagePull",
        "pulling from host r failed with status code [manifests 1]: 403 Forbidden",
        Code.IMAGE_AUTH,
    ),
    (
        "ErrImagePull",
        "pulling from host r failed with status code [manifests 1]: 429 Too Many Requests",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    (
        "ErrImagePull",
        "pulling from host r failed with status code [manifests 1]: 503 Service Unavailable",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    (
        "ErrImagePull",
        'failed to do request: Head "http://r": dial tcp 1.2.3.4:5000: connect: connection refused',
        Code.IMAGE_PULL_TRANSIENT,
    ),
    (
        "ErrImagePull",
        "dial tcp: lookup nosuch.invalid on 10.96.0.10:53: no such host",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    ("ImagePullBackOff", 'Back-off pulling image "r/x:1"', Code.IMAGE_PULL_TRANSIENT),
    ("ErrImagePull", "no match for platform in manifest: not found", Code.IMAGE_PLATFORM),
    (
        "ErrImageNeverPull",
        'Container image "x" is not present with pull policy of Never',
        Code.IMAGE_NEVER_PULL,
    ),
    ("InvalidImageName", "couldn't parse image name", Code.IMAGE_NAME_INVALID),
    ("ImageInspectError", "", Code.IMAGE_INSPECT),
    ("CreateContainerConfigError", 'secret "nope" not found', Code.MISSING_REF),
    ("CreateContainerConfigError", "couldn't find key x in Secret fl/s", Code.MISSING_REF),
    (
        "CreateContainerConfigError",
        "container has runAsNonRoot and image will run as root",
        Code.CONTAINER_CONFIG,
    ),
    ("CreateContainerConfigError", "failed to create subPath directory for volumeMount", Code.SUB_PATH),
    (
        "CreateContainerConfigError",
        "services have not yet been read at least once, cannot construct envvars",
        Code.CONFIG_TRANSIENT,
    ),
    (
        "CreateContainerConfigError",
        "failed to sync secret cache: timed out waiting for the condition",
        Code.CONFIG_TRANSIENT,
    ),
    (
        "RunContainerError",
        "error running prestart hook #0: nvidia-container-cli: libnvidia-ml.so.1: cannot open shared object file: no such file or directory",
        Code.RUNTIME_ERROR,
    ),
    (
        "ErrImagePull",
        "failed to extract layer: lchown /x: permission denied: unknown",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    ("ErrImagePull", "denied: requested access to the resource is denied", Code.IMAGE_AUTH),
    (
        "CreateContainerConfigError",
        "image has non-numeric user (app), cannot verify user is non-root",
        Code.CONTAINER_CONFIG,
    ),
    # images of NVIDIA have nvidia in the path of their command
    (
        "StartError",
        'exec: "/opt/nvidia/entry.sh": stat /opt/nvidia/entry.sh: no such file or directory: unknown',
        Code.BAD_COMMAND,
    ),
    ("StartError", 'exec: "nvidia-smi": executable file not found in $PATH: unknown', Code.BAD_COMMAND),
    ("StartError", "exec /usr/bin/python3: exec format error", Code.BAD_COMMAND),
    # a node without the runtime of its runtime class
    (
        "StartError",
        'unable to retrieve OCI runtime error (open /run/x/log.json: no such file or directory): exec: "nvidia-container-runtime": executable file not found in $PATH: unknown',
        Code.RUNTIME_ERROR,
    ),
    (
        "StartError",
        "error executing hook `/usr/bin/x` (exit code: 1): No such file or directory",
        Code.RUNTIME_ERROR,
    ),
    (
        "RunContainerError",
        'error gathering device information while adding custom device "/dev/nvidia0": no such file or directory',
        Code.RUNTIME_ERROR,
    ),
    # CRI-O, with runc and with crun
    (
        "CreateContainerError",
        'runc create failed: unable to start container process: exec: "/nope": stat /nope: no such file or directory',
        Code.BAD_COMMAND,
    ),
    (
        "CreateContainerError",
        "executable file `nope` not found in $PATH: No such file or directory",
        Code.BAD_COMMAND,
    ),
    ("CreateContainerError", "open executable: Permission denied", Code.BAD_COMMAND),
    ("CreateContainerError", "open /run/x: no such file or directory, after exec", Code.CREATE_TRANSIENT),
    ("CreateContainerError", "context deadline exceeded", Code.CREATE_TRANSIENT),
    ("CreateContainerError", "no command specified", Code.BAD_COMMAND),
    ("RunContainerError", 'exec: "/nope": stat /nope: no such file or directory: unknown', Code.BAD_COMMAND),
    ("RunContainerError", "nvidia-container-cli: initialization error", Code.RUNTIME_ERROR),
    ("CrashLoopBackOff", "back-off 10s restarting failed container", Code.CRASH_LOOP),
    ("CreatePodSandboxError", "", Code.SANDBOX),
    ("PostStartHookError", "", Code.POST_START_HOOK),
    ("SignatureValidationFailed", "", Code.IMAGE_SIGNATURE),
    # Between two tries the kubelet repeats reason and message (Kubernetes 1.32).
    (
        "ImagePullBackOff",
        'Back-off pulling image "r/x:1": SignatureValidationFailed: image signature validation failed for "r/x:1"',
        Code.IMAGE_SIGNATURE,
    ),
    (
        "ImagePullBackOff",
        'Back-off pulling image "r/x:1": RegistryUnavailable: registry is unavailable',
        Code.IMAGE_PULL_TRANSIENT,
    ),
    ("RemoveContainerError", "", Code.SANDBOX),
    (
        "RestartingAllContainers",
        "The container is removed because RestartAllContainers in place",
        Code.CREATING,
    ),
    # words of a rule that name something else, or a bug of the kubelet
    (
        "CreateContainerConfigError",
        "endpoint not found in cache for a registered resource: nvidia.com/gpu",
        Code.CONFIG_TRANSIENT,
    ),
    ("CreateContainerConfigError", "invalid input, pod cannot be nil", Code.CONFIG_TRANSIENT),
    (
        "CreateContainerConfigError",
        "create container log directory for container invalid-x failed: no space left on device",
        Code.CONFIG_TRANSIENT,
    ),
    # settings that no node can run
    (
        "CreateContainerConfigError",
        'container\'s runAsUser breaks non-root policy (pod: "p_fl(u)", container: c)',
        Code.CONTAINER_CONFIG,
    ),
    ("CreateContainerConfigError", 'invalid MountPropagation mode: "x"', Code.CONTAINER_CONFIG),
    ("CreateContainerConfigError", "error SubPath `/x` must not be an absolute path", Code.CONTAINER_CONFIG),
    ("CreateContainerConfigError", "container sidecar not found", Code.CONTAINER_CONFIG),
    ("CreateContainerError", "RROUnsupported: the runtime does not know it", Code.CONTAINER_CONFIG),
    ("CreateContainerError", "ImageVolumeMountFailed: no such path", Code.MOUNT),
    (
        "CreateContainerError",
        'failed to create containerd container: cannot load seccomp profile "/var/lib/kubelet/seccomp/nope.json": open /var/lib/kubelet/seccomp/nope.json: no such file or directory',
        Code.SECURITY_PROFILE_MISSING,
    ),
    (
        "CreateContainerError",
        "failed to create containerd container: apparmor profile not found nope",
        Code.SECURITY_PROFILE_MISSING,
    ),
    (
        "StartError",
        "failed to create containerd task: unable to apply apparmor profile: apparmor failed to apply profile: no such file or directory",
        Code.SECURITY_PROFILE_MISSING,
    ),
    # a fault of the node, in the form of one of the command
    (
        "CreateContainerError",
        'failed to create containerd container: get apparmor_parser version: exec: "apparmor_parser": executable file not found in $PATH',
        Code.CREATE_TRANSIENT,
    ),
    (
        "RunContainerError",
        'failed to create containerd task: failed to start shim: start failed: exec: "containerd-shim-runc-v2": executable file not found in $PATH: unknown',
        Code.RUNTIME_ERROR,
    ),
    # what the image or the pod asks for and no runtime gives
    (
        "CreateContainerError",
        "failed to create containerd container: mount callback failed on /tmp/containerd-mount1: no users found: unknown",
        Code.CONTAINER_CONFIG,
    ),
    (
        "CreateContainerError",
        "failed to generate spec: unable to find user nobody-there: no matching entries in passwd file",
        Code.CONTAINER_CONFIG,
    ),
    (
        "CreateContainerError",
        "set memory limit 4194304 too low; should be at least 12582912 bytes",
        Code.CONTAINER_CONFIG,
    ),
    (
        "StartError",
        'error mounting "/data" to rootfs at "/etc/hosts": not a directory: Are you trying to mount a directory onto a file (or vice-versa)?',
        Code.CONTAINER_CONFIG,
    ),
    # CRI-O and Docker
    (
        "ErrImagePull",
        "initializing source docker://r/x:1: reading manifest 1 in docker.io/r/x: requested access to the resource is denied",
        Code.IMAGE_AUTH,
    ),
    ("ErrImagePull", 'Head "https://r/v2/x/manifests/1": no basic auth credentials', Code.IMAGE_AUTH),
    (
        "ErrImagePull",
        'choosing image instance: no image found in image index for architecture "arm64", variant "v8", OS "linux"',
        Code.IMAGE_PLATFORM,
    ),
    (
        "ErrImagePull",
        "Error choosing image instance: no image found in manifest list for architecture arm, variant v8, OS linux",
        Code.IMAGE_PLATFORM,
    ),
    (
        "ErrImagePull",
        "toomanyrequests: You have reached your unauthenticated pull rate limit",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    ("SomethingNew", "text", Code.UNCLASSIFIED),
    # names are no words
    (
        "ErrImagePull",
        'failed to pull image "r.io/unauthorized:1": failed to do request: connect: connection refused',
        Code.IMAGE_PULL_TRANSIENT,
    ),
    ("ErrImagePull", "unauthorized: authentication required", Code.IMAGE_AUTH),
    ("ErrImagePull", "denied: this client is unauthorized. Log in first", Code.IMAGE_AUTH),
    ("ErrImagePull", "invalid status code from registry 403 (Forbidden)", Code.IMAGE_AUTH),
    (
        "ErrImagePull",
        "invalid status code from registry 503 (Service Unavailable): unauthorized",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    ("CreateContainerConfigError", "failed to get secret fl/subpath-x: timed out", Code.CONFIG_TRANSIENT),
    # who is busy or out of reach may say anything
    ("ErrImagePull", "429 Too Many Requests: unauthorized: slow down", Code.IMAGE_PULL_TRANSIENT),
    ("ErrImagePull", "503 Service Unavailable: unauthorized upstream", Code.IMAGE_PULL_TRANSIENT),
    (
        "ErrImagePull",
        "failed to fetch anonymous token: dial tcp: lookup auth.r.io: no such host: not found",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    (
        "ErrImagePull",
        "code = NotFound desc = failed to pull: content digest sha256:ab: not found",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    (
        "ErrImagePull",
        "(Mirrors also failed: [m/x:1: dial tcp: i/o timeout]): r/x:1: manifest unknown",
        Code.IMAGE_NOT_FOUND,
    ),
]
_SANDBOX = "Failed to create pod sandbox: "
# (reason of a Warning event of a pod that has a node, message, code)
EVENTS = [
    ("FailedMount", 'MountVolume.SetUp failed for volume "x" : timed out', Code.MOUNT),
    (
        "FailedMount",
        'MountVolume.SetUp failed for volume "x" : rpc error: code = Unknown desc = failed to mount secrets store objects for pod fl/job-1, err: failed to get secretproviderclass fl/none, error: SecretProviderClass.secrets-store.csi.x-k8s.io "none" not found',
        Code.MISSING_REF,
    ),
    (
        "FailedMount",
        'MountVolume.SetUp failed for volume "token" : failed to fetch token: serviceaccounts "gone" not found',
        Code.MISSING_REF,
    ),
    (
        "FailedMount",
        'MountVolume.SetUp failed for volume "x" : rpc error: code = NotFound desc = driver name x.csi.example.com not found in the list of registered CSI drivers',
        Code.MOUNT,
    ),
    (
        "FailedMount",
        'MountVolume.SetUp failed for volume "x" : volume uses the ReadWriteOncePod access mode and is already in use by another pod',
        Code.VOLUME_IN_USE,
    ),
    (
        "FailedMount",
        "Unable to attach or mount volumes: volume x has volumeMode Block, but is specified in volumeMounts",
        Code.VOLUME_CONFIG,
    ),
    (
        "FailedAttachVolume",
        'Waiting for detach for volume "pvc-1" Volume is already exclusively attached to one node, waiting on detach before it can be attached to another node',
        Code.VOLUME_BUSY,
    ),
    (
        "VolumePermissionChangeInProgress",
        "Setting volume ownership for pod/volume, processed 60000 files.",
        Code.CREATING,
    ),
    (
        "FailedCreatePodSandBox",
        f'{_SANDBOX}rpc error: code = Unknown desc = failed to setup network for sandbox "x": plugin type="calico" failed (add): no IP',
        Code.NETWORK_NOT_READY,
    ),
    (
        "FailedCreatePodSandBox",
        f"{_SANDBOX}error adding pod to CNI network",
        Code.NETWORK_NOT_READY,
    ),
    (
        "FailedCreatePodSandBox",
        f'{_SANDBOX}failed to get sandbox runtime: no runtime for "no-such-handler" is configured',
        Code.SANDBOX_CONFIG,
    ),
    (
        "FailedCreatePodSandBox",
        f'{_SANDBOX}RuntimeHandler "kata" not supported',
        Code.SANDBOX_CONFIG,
    ),
    (
        "FailedCreatePodSandBox",
        f'{_SANDBOX}failed to start shim: failed to resolve runtime path: runtime "io.containerd.kata.v2" binary not installed "containerd-shim-kata-v2": file does not exist: unknown',
        Code.SANDBOX_CONFIG,
    ),
    # the runtime of every pod: the node is broken
    (
        "FailedCreatePodSandBox",
        f'{_SANDBOX}failed to start shim: failed to resolve runtime path: runtime "io.containerd.runc.v2" binary not installed "containerd-shim-runc-v2": file does not exist: unknown',
        Code.SANDBOX,
    ),
    # Multus: the network that an annotation of the job names
    (
        "FailedCreatePodSandBox",
        f'{_SANDBOX}error adding pod fl_job-1 to CNI network "multus-cni-network": plugin type="multus" failed (add): Multus: [fl/job-1]: error loading k8s delegates k8s args: cannot find a network-attachment-definition (none) in namespace (fl): network-attachment-definitions.k8s.cni.cncf.io "none" not found',
        Code.SANDBOX_CONFIG,
    ),
    (
        "FailedCreatePodSandBox",
        f"{_SANDBOX}can't set `spec.hostUsers: false`, runtime does not support user namespaces",
        Code.SANDBOX_CONFIG,
    ),
    (
        "FailedCreatePodSandBox",
        f"{_SANDBOX}failed to construct FQDN from pod hostname and cluster domain, FQDN a.b is too long (64 characters is the max, 70 characters requested)",
        Code.SANDBOX_CONFIG,
    ),
    (
        "FailedCreatePodSandBox",
        f'{_SANDBOX}failed to create containerd task: cannot load seccomp profile "/x.json": open /x.json: no such file',
        Code.SECURITY_PROFILE_MISSING,
    ),
    (
        "FailedCreatePodSandBox",
        f'{_SANDBOX}failed to get sandbox image "pause": dial tcp 1.2.3.4:443: connect: network is unreachable',
        Code.SANDBOX,
    ),
    ("FailedCreatePodSandBox", f"{_SANDBOX}context deadline exceeded", Code.SANDBOX),
    ("FailedPodSandBoxStatus", "Unable to get pod sandbox status: timeout", Code.SANDBOX),
    ("FailedCreatePodContainer", "unable to ensure pod container exists: no space left", Code.SANDBOX),
    ("Failed", "error making pod data directories: no space left on device", Code.SANDBOX),
    (
        "FailedPrepareDynamicResources",
        "Failed to prepare dynamic resources: prepare dynamic resources: NodePrepareResources: driver not found",
        Code.DEVICES_NOT_READY,
    ),
    # names are no words
    ("FailedCreatePodSandBox", f'{_SANDBOX}failed to reserve sandbox name "a-hostprocess_f_0"', Code.SANDBOX),
    ("FailedCreatePodSandBox", f'{_SANDBOX}failed to reserve sandbox name "cni-network_f_0"', Code.SANDBOX),
]
