package main

import "regexp"

// What a message is, by the way in which it arrives.
const (
	kindClause     = "scheduler clause"
	kindEvent      = "event"
	kindCondition  = "condition"
	kindStatus     = "pod status"
	kindWaiting    = "waiting reason"
	kindTerminated = "terminated reason"
	kindAdmission  = "admission"
	kindError      = "error"
)

const kube = "k8s.io/kubernetes/"

// A place is a tree of packages that speaks of pods or of their claims.
type place struct {
	component string
	path      string
}

var places = []place{
	{"kube-scheduler", kube + "pkg/scheduler"},
	{"kubelet", kube + "pkg/kubelet"},
	{"kubelet", kube + "pkg/volume"},
	{"kubelet", "k8s.io/cri-api/pkg/errors"},
	{"kube-controller-manager", kube + "pkg/controller/tainteviction"},
	{"kube-controller-manager", kube + "pkg/controller/devicetainteviction"},
	{"kube-controller-manager", kube + "pkg/controller/podgc"},
	{"kube-controller-manager", kube + "pkg/controller/nodelifecycle"},
	{"kube-controller-manager", kube + "pkg/controller/util/node"},
	{"kube-controller-manager", kube + "pkg/controller/resourceclaim"},
	{"kube-controller-manager", kube + "pkg/controller/disruption"},
	{"kube-controller-manager", kube + "pkg/controller/volume"},
	{"kube-apiserver", kube + "pkg/registry/core/pod"},
}

// What those trees say about other things than pods: nodes, and objects that no bare pod has.
var notOfPods = regexp.MustCompile(`pkg/kubelet/(server|kubeletconfig|certificate|pluginmanager|client|config|stats|winstats|cadvisor|apis|logs|watchdog|nodestatus|oom)(/|$)|` +
	`pkg/scheduler/(apis|metrics|profile|testing)(/|$)|pkg/scheduler/backend(/|$)|` +
	`pkg/controller/volume/(vacprotection|pvprotection)(/|$)|pkg/volume/csimigration`)

// Objects whose events are not read: nodes, volumes without their claim, groups of pods.
var otherObject = regexp.MustCompile(`(?i)node(ref|refwithuid\(\)|name)?$|nodeRef|\bvolume$|\bpv$|newVol$|podGroup|\bpdb$|\bds$`)
var claimObject = regexp.MustCompile(`(?i)claim|pvc`)

// Calls that write an event, whatever comes before their event type.
var eventCalls = map[string]bool{
	"Event": true, "Eventf": true, "AnnotatedEventf": true, "recordContainerEvent": true,
	"updateClaimStatusWithEvent": true,
}

// Functions of the scheduler at which it is known how a status is shown: a clause for each node, one text
// for the pod, or an error.
var points = map[string]bool{
	"PreEnqueue": true, "PreFilter": true, "Filter": true, "PostFilter": true, "Reserve": true, "Permit": true,
	"WaitOnPermit": true, "PreBind": true, "PreBindPreFlight": true, "Bind": true,
}
var scoring = regexp.MustCompile(`[sS]core|^EventsToRegister`)

// A carrier is where errors begin that arrive inside another message: functions of a tree of packages. All
// that they call, and is within reach, can make such an error.
type carrier struct {
	component string
	path      string
	functions *regexp.Regexp
	reason    string // of the event, condition or state that carries the error
}

var carriers = []carrier{
	{"kube-scheduler", kube + "pkg/scheduler/framework/plugins",
		functions("PreEnqueue|PreFilter|Filter|Reserve|Permit|PreBind|PreBindPreFlight|Bind|PreScore|Score|AddPod|RemovePod"), "SchedulerError"},
	{"kubelet", kube + "pkg/volume", functions("SetUp|SetUpAt|MountDevice|WaitForAttach|NewMounter|NewAttacher"), "FailedMount"},
	{"kubelet", kube + "pkg/volume", functions("SetUpDevice|MapPodDevice|MapBlockVolume|NewBlockVolumeMapper"), "FailedMapVolume"},
	{"kubelet", kube + "pkg/volume/csi", functions("Attach"), "FailedAttachVolume"},
	{"kubelet", kube + "pkg/volume/util/operationexecutor",
		functions("GenerateMountVolumeFunc|GenerateVerifyControllerAttachedVolumeFunc"), "FailedMount"},
	{"kubelet", kube + "pkg/volume/util/operationexecutor", functions("GenerateMapVolumeFunc"), "FailedMapVolume"},
	{"kubelet", kube + "pkg/volume/util/operationexecutor", functions("GenerateAttachVolumeFunc"), "FailedAttachVolume"},
	{"kubelet", kube + "pkg/kubelet/volumemanager", functions("WaitForAttachAndMount|processPodVolumes"), "FailedMount"},
	{"kubelet", kube + "pkg/kubelet/util/manager", functions("GetObject|Get"), "FailedMount"},
	{"kubelet", kube + "pkg/kubelet/token", functions("GetServiceAccountToken"), "FailedMount"},
	{"kubelet", kube + "pkg/kubelet/clustertrustbundle", functions("GetTrustAnchorsByName|GetTrustAnchorsBySigner"), "FailedMount"},
	{"kubelet", kube + "pkg/kubelet/podcertificate", functions("GetPodCertificateCredentialBundle"), "FailedMount"},
	{"kubelet", kube + "pkg/kubelet", functions("generateContainerConfig|getTargetID|setActuatedContainerResources|GenerateRunContainerOptions"), "CreateContainerConfigError"},
	{"kubelet", kube + "pkg/kubelet/cm", functions("GetResources|GetDeviceRunContainerOptions"), "CreateContainerConfigError"},
	{"kubelet", kube + "pkg/kubelet", functions("createPodSandbox|generatePodSandboxConfig|GeneratePodHostNameAndDomain|GetPodDNS|" +
		"GetOrCreateUserNamespaceMappings|LookupRuntimeHandler"), "FailedCreatePodSandBox"},
	{"kubelet", kube + "pkg/kubelet", functions("EnsureImageExists|PullImage|pullImage|MustAttemptImagePull|RecordPullIntent"), "ErrImagePull"},
	{"kubelet", kube + "pkg/kubelet/cm", functions("Allocate|AllocatePod|UpdatePluginResources|GetTopologyHints|GetPodTopologyHints|Admit"), "UnexpectedAdmissionError"},
	{"kubelet", kube + "pkg/kubelet/cm", functions("PrepareResources|PrepareDynamicResources"), "FailedPrepareDynamicResources"},
	{"kube-controller-manager", kube + "pkg/controller/volume/persistentvolume",
		functions("provisionClaim|provisionClaimOperation|provisionClaimOperationExternal"), "ProvisioningFailed"},
	{"kube-controller-manager", kube + "pkg/controller/volume/ephemeral", functions("handleVolume"), "FailedBinding"},
	{"kube-controller-manager", kube + "pkg/controller/resourceclaim", functions("handleClaim"), "FailedResourceClaimCreation"},
}

func functions(names string) *regexp.Regexp { return regexp.MustCompile("^(" + names + ")$") }

// Packages into which calls are followed; what lies elsewhere speaks of no pod.
var followed = regexp.MustCompile(`^k8s\.io/kubernetes/pkg/(volume|kubelet|scheduler|controller/volume|controller/resourceclaim|fieldpath|` +
	`security/apparmor|credentialprovider|util/filesystem|util/parsers|api/v1)(/|$)|` +
	`^k8s\.io/(dynamic-resource-allocation|component-helpers|mount-utils)(/|$)`)

// Functions that take things down, or build a component: no pod that starts shows their errors.
var notStarting = regexp.MustCompile(`(?i)^(unmount|unmap|tear|detach|delete|remove|clean|reconstruct|construct|start$|run$|stop|` +
	`expand|resize|nodeexpand|markfs|unprepare|list|watch|kill|string$|marshal|unmarshal|equal|generateerror|generatemsg)|unstage|unpublish|checkpoint`)
